"""One request as the metrics, the trace and the access log see it, the same for REST and gRPC."""

import re
import time
import uuid
from collections.abc import Mapping
from types import TracebackType

from serving.contract import ID_HEADER
from serving.errors import ServingError, http_status, name_code
from serving.telemetry import metrics, tracing
from serving.telemetry.logs import log_request, logger

ID_CHARACTERS = 128  # of a request's id
REQUEST_ID = re.compile(rf"[!-~]{{1,{ID_CHARACTERS}}}")  # what any header and any log can take
LONGEST_ADDRESS = 200  # characters of a caller's address in a log line or a span


class RequestLog:
    """Times a request and tells how it ended; what went wrong goes on as it came."""

    def __init__(
        self, service: str, transport: str, route: str, address: str, headers: Mapping[str, str]
    ):
        self.begun = time.perf_counter()
        self.service, self.transport = service, transport
        self.address = address = address[:LONGEST_ADDRESS]
        self.request_id = ensure_request_id(headers.get(ID_HEADER))
        self.span, self.token = tracing.open_request(
            transport, route, address, headers, self.request_id
        )
        self.model = ""  # set once it is sure that there is one: callers shall not make up labels
        self.seconds: float | None = None

    def name_address(self, address: str) -> None:
        """Note where the request goes, once that is read."""
        self.address = address[:LONGEST_ADDRESS]

    def stop(self) -> float:
        """Stop the clock and return the seconds; the answer and the metrics show the same."""
        self.seconds = time.perf_counter() - self.begun
        return self.seconds

    def __enter__(self) -> "RequestLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType
    ) -> None:
        code = name_code(error)
        seconds = self.stop() if self.seconds is None else self.seconds
        metrics.count_request(self.service, self.model, code, seconds)
        ids = {"request_id": self.request_id}
        if trace_id := tracing.read_trace_id(self.span):
            ids["trace_id"] = trace_id
        log_request(self.transport, self.address, http_status(code), code, seconds, ids)
        tracing.close_request(self.span, self.token, self.transport, self.model, error)
        if code == ServingError.code and not isinstance(error, ServingError):
            logger.error("request failed", exc_info=error, extra={"address": self.address, **ids})


def ensure_request_id(given: str | None) -> str:
    """Return the caller's request id if it is one, else a new one."""
    return given if given and REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def forwarded_headers(headers: Mapping[str, str], request_id: str) -> dict[str, str]:
    """Pick what another service of ours is told of a request, beside its trace."""
    picked = {ID_HEADER: request_id}
    if token := headers.get("authorization"):
        picked["authorization"] = token
    return picked
