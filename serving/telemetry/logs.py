"""JSON logs: one line per event, on stderr, written by a thread that holds nobody up."""

import atexit
import contextlib
import io
import logging
import logging.config
import os
import queue
import sys
import threading
from collections.abc import Mapping
from logging.handlers import QueueHandler

from serving.telemetry import metrics

logger = logging.getLogger("landmarks")
access_log = logging.getLogger("landmarks.access")


MAX_LINES = 10_000  # that wait where nobody reads them
LAST_SECONDS = 2.0  # for what waits at the end


class QueuedLines(QueueHandler):
    """Hands lines to a thread that writes them; a full queue drops them, and counts that."""

    def __init__(self) -> None:
        super().__init__(queue.Queue(MAX_LINES))
        self.thread = threading.Thread(target=self.write_lines, name="log", daemon=True)
        self.thread.start()
        atexit.register(self.finish)

    def prepare(self, record: logging.LogRecord) -> str:
        """Write the line here, with the context and the error that the record has now."""
        return self.format(record)

    def enqueue(self, line: str | None) -> None:  # type: ignore[override]
        try:
            self.queue.put_nowait(line)
        except queue.Full:
            metrics.DROPPED_LINES.inc()

    def write_lines(self) -> None:
        """Write what comes until a None does."""
        while (line := self.queue.get()) is not None:
            with contextlib.suppress(OSError):  # the pipe is gone, or stderr closed
                os.write(2, f"{line}\n".encode())  # sys.stderr may hold half a line of another's

    def finish(self) -> None:
        """Wait a little while for the lines that wait."""
        self.enqueue(None)
        self.thread.join(LAST_SECONDS)


def configure_logs(level: str, access: bool) -> None:
    """Send every log line of the process as JSON to stderr; call before kserve is started."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        # Unbuffered Python writes a sentence and its end apart; a line of the log came between.
        sys.stderr.reconfigure(line_buffering=True, write_through=False)
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
            "handlers": {"stderr": {"()": QueuedLines, "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {
                "landmarks": {"level": level},
                "landmarks.access": {"level": "INFO" if access else "WARNING"},
                # KServe and uvicorn say four lines per request at INFO; ours says one.
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
