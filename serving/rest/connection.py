"""HTTP/1.1 by uvicorn and h11, with limits on the size and time of whatever arrives or leaves.

This file and socket.py override private parts of a library, methods of uvicorn's protocols:
pyproject.toml pins the version.
"""

import asyncio
import sys
from http import HTTPStatus
from typing import Any

import h11
import orjson
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.errors import HeadTooLarge, InvalidRequest, ServingError, describe_error
from serving.messages import MAX_HEAD_BYTES
from serving.settings import ServerSettings

SPARE_SECONDS = 2.0  # lets the application answer 408, and a refused caller read why
MAX_HEADERS = 256
STREAM_END = "/stream"  # of the addresses that take a WebSocket
FREE_CHUNKS = 1024  # of a body, however short they are: each costs h11 0.02 ms
MIN_CHUNK_BYTES = 256  # on average, of the chunks beyond


class BoundedConnection(h11.Connection):
    """An h11 connection that also bounds heads that arrive in one piece, and counts chunks."""

    chunks = body_bytes = 0

    def next_event(self) -> Any:
        """Return the next event. Raises h11.RemoteProtocolError."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.chunks = self.body_bytes = 0
            check_head(event)
        elif isinstance(event, h11.Data):
            self.chunks += event.chunk_start
            self.body_bytes += len(event.data)
            if self.chunks > FREE_CHUNKS + self.body_bytes // MIN_CHUNK_BYTES:
                raise h11.RemoteProtocolError("its body is cut into too many small chunks")
        return event


def check_head(request: h11.Request) -> None:
    """Raise h11.RemoteProtocolError where a head is too large or has two lengths."""
    names = [name for name, _ in request.headers]
    size = len(request.target) + sum(len(name) + len(value) for name, value in request.headers)
    if size > MAX_HEAD_BYTES or len(names) > MAX_HEADERS:
        raise h11.RemoteProtocolError("", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    if b"content-length" in names and b"transfer-encoding" in names:
        raise h11.RemoteProtocolError("it has a Content-Length and a Transfer-Encoding")


class ReadingTimer:
    """A part of a protocol: drops a client who reads nothing of an answer for too long."""

    loop: Any
    transport: Any
    answer_seconds: float
    answers = 0  # that were handed to the transport whole
    answer_timer: asyncio.TimerHandle | None = None

    def time_answer(self) -> None:
        """Look in `answer_seconds` whether the client has read what is being written now."""
        if self.answer_timer is None:
            seconds, answers = self.answer_seconds, self.answers
            self.answer_timer = self.loop.call_later(seconds, self.check_answer, answers)

    def check_answer(self, answers: int) -> None:
        self.answer_timer = None
        if self.transport.get_write_buffer_size():
            if answers == self.answers:
                self.transport.abort()
            else:
                self.time_answer()


class TimedProtocol(ReadingTimer, H11Protocol):
    """HTTP/1.1 that drops clients who send or read too slowly; uvicorn closes idle connections.

    A client that closes its side is gone, whether or not it still reads: what it asked for is
    cancelled.
    """

    def __init__(self, settings: ServerSettings, **parts: Any):
        super().__init__(**parts)
        self.settings = settings
        self.upgraded = False
        self.conn = BoundedConnection(h11.SERVER, MAX_HEAD_BYTES)
        self.arriving: tuple[Any, Any] | None = None  # request and state that arrival_timer is for
        self.arrival_timer: asyncio.TimerHandle | None = None
        self.answer_seconds = settings.answer_seconds
        self.refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.time_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        self.unset_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.refused:
            super().data_received(data)
        if not self.refused and not self.upgraded:
            self.time_arrival()

    def time_arrival(self) -> None:
        """Start the time of the head or body that is arriving now, unless it runs already."""
        arriving = (self.cycle, self.conn.their_state)
        if arriving != self.arriving:
            self.arriving = arriving
            if self.conn.their_state is h11.IDLE:
                self.set_arrival_timer(self.settings.head_seconds)
            elif self.conn.their_state is h11.SEND_BODY:
                self.set_arrival_timer(self.settings.body_seconds + SPARE_SECONDS)
            elif self.arrival_timer is not None:
                self.arrival_timer.cancel()

    def set_arrival_timer(self, seconds: float) -> None:
        if self.arrival_timer is not None:
            self.arrival_timer.cancel()
        self.arrival_timer = self.loop.call_later(seconds, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.time_answer()

    def on_response_complete(self) -> None:
        self.answers += 1
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]:
            self.time_arrival()  # of a request, or of a part of one, that lay behind this one
        if self.transport.get_write_buffer_size():
            self.time_answer()

    def unset_timers(self) -> None:
        for timer in (self.arrival_timer, self.answer_timer):
            if timer is not None:
                timer.cancel()

    def _should_upgrade(self) -> bool:
        # Nor warn of what isn't taken: Java's client offers HTTP/2 on each connection.
        wanted = self._get_upgrade() == b"websocket" and self.scope["method"] == "GET"
        return wanted and self.scope["path"].endswith(STREAM_END)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self.upgraded = True
        self.unset_timers()
        super().handle_websocket_upgrade(event)
        rest, _ = self.conn.trailing_data
        if rest:  # what came along with the head is of the WebSocket
            self.transport.get_protocol().data_received(rest)

    def send_400_response(self, msg: str) -> None:
        """Write why this is not a valid request; close once the client had time to read that."""
        self.refused = True
        if self.cycle is not None:  # it may still be reading the body that turned out to be broken
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.write_error(explain_refusal(sys.exception()))
        # To close at once would reset the connection, and the client might never see the answer.
        self.transport.write_eof()
        self.flow.resume_reading()
        self.set_arrival_timer(SPARE_SECONDS)

    def write_error(self, error: ServingError) -> None:
        body = orjson.dumps(describe_error(error))
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        reason = HTTPStatus(error.http_status).phrase.encode()
        head = h11.Response(status_code=error.http_status, headers=headers, reason=reason)
        for event in (head, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")


def explain_refusal(raised: BaseException | None) -> ServingError:
    """Make what h11 says of a request an error of the catalogue."""
    status = getattr(raised, "error_status_hint", HTTPStatus.BAD_REQUEST)
    if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return HeadTooLarge(
            f"The head has more than {MAX_HEAD_BYTES} bytes or {MAX_HEADERS} lines."
        )
    return InvalidRequest(f"This is not a valid HTTP/1.1 request: {raised}.")
