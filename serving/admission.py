"""Admission: how much may be under way at once, whatever it came in by."""

from collections.abc import Iterator
from contextlib import contextmanager

from serving.errors import Overloaded
from serving.settings import ServerSettings
from serving.telemetry import metrics


class Admission:
    """Counts the requests under way and the bytes they hold; used on one event loop."""

    def __init__(self, settings: ServerSettings, service: str):
        self.max_requests = settings.max_inflight
        self.max_bytes = max(settings.max_inflight_bytes, settings.max_body_bytes)
        self.gauge = metrics.INFLIGHT.labels(service)
        self.requests = 0
        self.bytes = 0

    @contextmanager
    def enter(self) -> Iterator["Ticket"]:
        """Let a request in until the block ends; raises Overloaded when there is no room."""
        if self.requests >= self.max_requests:
            raise Overloaded(
                f"{self.requests} requests are under way, the most that this server takes."
            )
        ticket = Ticket(self)
        self.requests += 1
        self.gauge.set(self.requests)
        try:
            yield ticket
        finally:
            self.requests -= 1
            self.gauge.set(self.requests)
            self.bytes -= ticket.bytes


class Ticket:
    """A request's place; it tells how many bytes the request holds."""

    def __init__(self, admission: Admission):
        self.admission = admission
        self.bytes = 0

    def add(self, size: int) -> None:
        """Claim memory for `size` more bytes of body or answer.

        Raises Overloaded when all of it is in use.
        """
        admission = self.admission
        if admission.bytes + size > admission.max_bytes:
            raise Overloaded(
                f"The requests under way hold {admission.bytes} bytes; "
                f"{admission.max_bytes} is the limit."
            )
        admission.bytes += size
        self.bytes += size
