"""Admission: how much may be in flight at once, whichever transport it came by."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from serving.errors import NotReady, Overloaded, TooLarge
from serving.settings import ServerSettings
from serving.telemetry import metrics

UPLOADS = 8  # bodies that may be arriving, for each request that may be in flight


class Admission:
    """Counts uploads, requests in flight and the bytes they hold; used on one event loop.

    Uploads have a count of their own: slow ones cost memory, which is counted, and no CPU.
    """

    def __init__(self, settings: ServerSettings, service: str):
        self.max_requests = settings.max_inflight
        self.max_bytes = max(settings.max_inflight_bytes, settings.max_body_bytes)
        self.gauge = metrics.INFLIGHT.labels(service)
        self.uploads = self.requests = self.bytes = 0
        self.seconds = 0.0  # that a request takes, smoothed
        self.tasks = set[asyncio.Task | None]()  # that hold a place
        self.stopped = False

    @contextmanager
    def enter(self, upload: bool = False) -> Iterator["Ticket"]:
        """Let a request in until the block ends, in flight once its upload is over.

        Raises Overloaded when there is no room, NotReady when the server stops meanwhile.
        """
        self.check_room()
        if upload and self.uploads >= UPLOADS * self.max_requests:
            raise Overloaded(f"{self.uploads} bodies are arriving, the most that are read.")
        ticket, task = Ticket(self), asyncio.current_task()
        self.tasks.add(task)
        self.uploads += 1
        try:
            if not upload:
                ticket.end_upload()
            yield ticket
        except asyncio.CancelledError:
            if self.stopped:
                raise NotReady("The server stopped before the answer.") from None
            raise
        finally:
            self.tasks.discard(task)
            ticket.leave()

    def stop(self) -> None:
        """End the requests that are there: a stop has no more time for them."""
        self.stopped = True
        for task in self.tasks:
            if task is not None:
                task.cancel()

    def check_room(self) -> None:
        """Raise Overloaded where no more requests may be in flight."""
        if self.requests >= self.max_requests:
            raise Overloaded(
                f"{self.requests} of {self.max_requests} requests are in flight.", self.seconds
            )


class Ticket:
    """A request's place; it tells how many bytes the request holds."""

    def __init__(self, admission: Admission):
        self.admission = admission
        self.bytes = 0
        self.begun: float | None = None  # None while its body arrives

    def end_upload(self) -> None:
        """Count the request as in flight from here on. Raises Overloaded."""
        admission = self.admission
        admission.check_room()
        self.begun = time.monotonic()
        admission.uploads -= 1
        admission.requests += 1
        admission.gauge.set(admission.requests)

    def add(self, size: int) -> None:
        """Claim memory for `size` more bytes of body or answer.

        Raises Overloaded when all of it is in use, TooLarge when the request can never have it.
        """
        admission = self.admission
        if self.bytes + size > admission.max_bytes:
            raise TooLarge(
                f"The request and its answer take more than {admission.max_bytes} bytes, the limit."
            )
        if admission.bytes + size > admission.max_bytes:
            raise Overloaded(
                f"The requests in flight hold {admission.bytes} of {admission.max_bytes} bytes.",
                admission.seconds,
            )
        admission.bytes += size
        self.bytes += size

    def give_back(self, size: int) -> None:
        """Give bytes back before the rest."""
        self.admission.bytes -= size
        self.bytes -= size

    def leave(self) -> None:
        """Give the place and the bytes back."""
        admission = self.admission
        if self.begun is None:
            admission.uploads -= 1
        else:
            admission.requests -= 1
            admission.gauge.set(admission.requests)
            admission.seconds += (time.monotonic() - self.begun - admission.seconds) / 8
        admission.bytes -= self.bytes
