"""A guard against connections that never finish a request, which uvicorn lets wait for ever."""

import asyncio

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SPARE_SECONDS = 2.0  # lets the application answer 408 before the connection is cut


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose head and body must arrive in time; idle connections are uvicorn's affair."""

    head_seconds = 10.0
    body_seconds = 20.0
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.set_timer(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.unset_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.set_timer(self.head_seconds)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.set_timer(self.body_seconds + SPARE_SECONDS)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.unset_timer()
        refused = self.cycle is not None and self.cycle.response_complete
        if refused and self.timeout_keep_alive_task is None:
            # The rest of a refused body is in: from here on the connection is idle again.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def set_timer(self, seconds: float) -> None:
        self.unset_timer()
        self.timer = self.loop.call_later(seconds, self.transport.abort)

    def unset_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def install_protocol(head_seconds: float, body_seconds: float) -> None:
    """Make it the protocol of every uvicorn server of this process."""
    PatientProtocol.head_seconds = head_seconds
    PatientProtocol.body_seconds = body_seconds
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{PatientProtocol.__name__}"
