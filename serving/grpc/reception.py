"""Receive the messages of gRPC calls within a bound of memory and time.

gRPC takes a message into memory once it is read for, and tells nothing of it before its end.
So only as many are read at once as could all be of the longest.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from serving.errors import HeadTooLarge, Overloaded, RequestTimeout
from serving.messages import MAX_HEAD_BYTES, Call, InferenceRequest, InferenceResponse
from serving.repository import Repository
from serving.settings import ServerSettings
from serving.telemetry.record import RequestLog, forwarded_headers

T = TypeVar("T")

HURRY_SECONDS = 1.0  # that a message may take while others wait


def check_metadata(headers: Mapping[str, str | bytes]) -> None:
    """Raise HeadTooLarge where a call has more metadata than a request over REST may have."""
    size = sum(len(name) + len(value) for name, value in headers.items())
    if size > MAX_HEAD_BYTES:
        raise HeadTooLarge(f"The metadata has more than {MAX_HEAD_BYTES} bytes.")


async def ask_model(
    repository: Repository,
    asked: InferenceRequest,
    record: RequestLog,
    headers: Mapping[str, str],
    claim: Callable[[int], None],
    deadline: float = math.inf,
) -> InferenceResponse:
    """Ask the model that a request names; it is noted in the record."""
    record.name_address(f"/{asked.model}")
    model = repository.find(asked.model, asked.version)
    record.model = model.name
    forward = forwarded_headers(headers, record.request_id)
    return await model.infer(asked, Call(deadline, forward, claim))


class Reception:
    """Reads the message of each call in turn; used on one event loop."""

    def __init__(self, settings: ServerSettings):
        self.seconds = settings.body_seconds
        self.most = settings.max_inflight
        self.calls = 0  # whose message is being read or waits for it
        places = settings.max_inflight_bytes // settings.max_body_bytes
        self.places = asyncio.Semaphore(max(1, places))
        self.begins: dict[asyncio.Timeout, float] = {}  # of messages being read, the oldest first

    async def read(self, receive: Callable[[], Awaitable[T]]) -> T:
        """Read the one message of a call, given what waits for it.

        Raises RequestTimeout, or Overloaded where too many are received already, or where this
        one is slow and others wait.
        """
        if self.calls >= self.most:
            raise Overloaded(f"{self.calls} messages are being received, the most at once.")
        self.calls += 1
        loop, limit = asyncio.get_running_loop(), asyncio.timeout(self.seconds)
        begun = loop.time()
        try:
            async with limit:
                if self.places.locked():
                    self.hurry(begun)
                async with self.places:
                    self.begins[limit] = loop.time()
                    return await receive()
        except TimeoutError:
            if loop.time() < begun + self.seconds:
                raise Overloaded("The message was slow, and others waited to be read.") from None
            raise RequestTimeout(
                f"The message did not arrive within {self.seconds:g} seconds."
            ) from None
        finally:
            self.calls -= 1
            self.begins.pop(limit, None)

    def hurry(self, now: float) -> None:
        """End the oldest message that has time left, soon: another one waits for its place."""
        for limit, begun in self.begins.items():
            soon = max(now, begun + HURRY_SECONDS)
            if (limit.when() or 0) > soon:
                limit.reschedule(soon)
                return
