"""One request as the metrics and the access log see it, the same for REST and gRPC."""

import re
import time
import uuid
from collections.abc import Mapping
from types import TracebackType

from serving import metrics, tracing
from serving.errors import ServingError, find_status, name_code, write_message
from serving.logs import log_request, logger

REQUEST_ID = re.compile(r"[!-~]{1,128}")  # visible ASCII: what any header and any log can take

LONGEST_ADDRESS = 200  # characters of a caller's address in a log line or a span


class Record:
    """Times a request and tells how it ended; anything unforeseen becomes an `internal` error."""

    def __init__(
        self, service: str, transport: str, route: str, address: str, headers: Mapping[str, str]
    ):
        self.begun = time.perf_counter()
        self.service, self.transport = service, transport
        self.address = address = address[:LONGEST_ADDRESS]
        self.request_id = choose_id(headers.get("x-request-id"))
        self.span = tracing.tracer.open_request(transport, route, address, headers, self.request_id)
        self.model = ""  # set once it is sure that there is one: callers shall not make up labels
        self.seconds: float | None = None

    def name_address(self, address: str) -> None:
        """Say where the request goes, once that is read."""
        self.address = address[:LONGEST_ADDRESS]

    def stop(self) -> float:
        """Stop the clock and give the seconds; the answer and the metrics show the same."""
        self.seconds = time.perf_counter() - self.begun
        return self.seconds

    def __enter__(self) -> "Record":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType
    ) -> None:
        code = name_code(error)
        if self.seconds is None:
            self.stop()
        assert self.seconds is not None
        metrics.count_request(self.service, self.model, code, self.seconds)
        status = find_status(code)
        ids = {"request_id": self.request_id}
        if self.span.trace_id:
            ids["trace_id"] = self.span.trace_id
        log_request(self.transport, self.address, status, code, self.seconds, ids)
        self.span.close(code, write_message(error), model=self.model)
        if code == ServingError.code and not isinstance(error, ServingError):
            logger.error("request failed", exc_info=error, extra={"address": self.address, **ids})
            raise ServingError() from None


def choose_id(given: str | None) -> str:
    """Take the caller's request id if it is one, else make one."""
    return given if given and REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def write_timings(timings: Mapping[str, float]) -> str:
    """Write stages as a Server-Timing header, in milliseconds."""
    return ", ".join(f"{stage};dur={1000 * seconds:.2f}" for stage, seconds in timings.items())


def read_timings(text: str | bytes) -> dict[str, float]:
    """Read a Server-Timing header that write_timings wrote, in seconds; else nothing."""
    return {
        stage: float(milliseconds) / 1000
        for stage, milliseconds in re.findall(r"([a-z]+);dur=([0-9.]+)", str(text))
        if milliseconds.count(".") <= 1
    }
