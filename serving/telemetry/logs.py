"""JSON logs: one line an event, on stderr."""

import logging
import logging.config
from collections.abc import Mapping

logger = logging.getLogger("landmarks")
access_log = logging.getLogger("landmarks.access")


def configure_logs(level: str, access: bool) -> None:
    """Send every log line of the process as JSON to stderr; call before kserve is started."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "fmt": "%(levelname)s %(name)s %(message)s",
                    "rename_fields": {"levelname": "level"},
                    "timestamp": "time",  # ISO 8601, in UTC
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {
                "landmarks": {"level": level},
                "landmarks.access": {"level": "INFO" if access else "WARNING"},
                # KServe and uvicorn say four lines a request at INFO; ours says one.
                # A handler of its own keeps KServe from configuring its logs over ours.
                "kserve": {"level": "WARNING", "handlers": ["stderr"], "propagate": False},
                "kserve.trace": {"level": "WARNING"},
                # It would say of every caller's odd traceparent that it is one.
                "opentelemetry.trace": {"level": "ERROR"},
                "uvicorn": {"level": "WARNING"},
                "uvicorn.error": {"level": "WARNING"},
                "uvicorn.access": {"level": "WARNING"},
            },
        }
    )


def log_request(
    transport: str, address: str, status: int, code: str, seconds: float, ids: Mapping[str, str]
) -> None:
    """Write the access line of a request: how it ended, nothing of what it held.

    `ids` are the request's own and, where there is one, its trace's.
    """
    if access_log.isEnabledFor(logging.INFO):
        access_log.info(
            "request",
            extra={
                "transport": transport,
                "address": address,
                "status": status,
                "code": code,
                "ms": round(1000 * seconds, 2),
                **ids,
            },
        )
