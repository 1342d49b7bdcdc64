"""How a connection's requests arrive: heads and bodies within bounds of size and time.

uvicorn bounds neither the size of a head nor the time that a head or a body takes; it tries any
`Upgrade` that it has a package for, and ends a connection whose caller only said that it will
send no more. This file overrides private parts of uvicorn: requirements/constraints.txt pins
the version.
"""

import asyncio

import httptools
import orjson
from uvicorn.config import HTTP_PROTOCOLS, WS_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from serving.errors import HeadTooLarge, InvalidRequest, ServingError, describe_error
from serving.rest.responses import AnswerProtocol

SPARE_SECONDS = 2.0  # lets the application answer 408 before the connection is cut
MAX_HEAD_BYTES = 64 * 2**10  # of a request line and its header lines
MAX_HEADERS = 256
HEAD_SLICE = 4 * 2**10  # bytes that are parsed at once while a head may begin
BODY_SLICE = 64 * 2**10
CHUNK_OVERHEAD = 8  # bytes that may frame one byte of a chunked body
HOP_HEADERS = (b"upgrade", b"http2-settings")


class GuardedProtocol(AnswerProtocol):
    """HTTP/1.1 whose heads and bodies have bounds, too; idle time is uvicorn's affair."""

    head_seconds = 10.0
    body_seconds = 20.0

    timer: asyncio.TimerHandle | None = None  # cuts a request that does not arrive in time
    in_message = in_head = half_closed = False
    messages = headers_seen = head_bytes = body_bytes = framing_bytes = 0
    unread = b""  # what arrived behind more requests than are worked on
    refusal: ServingError | None = None
    without_upgrade: bytes | None = None  # the head of a request, its offer to upgrade left out

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.set_timer(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.unset_timer()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection for the answers to come: the caller may read though it has sent."""
        self.half_closed = self.is_whole()
        return self.half_closed

    def is_whole(self) -> bool:
        """Check whether answers are owed to requests that are there in full, as far as is known."""
        arrived = bool(self.unread) or not self.in_message
        return self.is_busy() and arrived and self.refusal is None

    def data_received(self, data: bytes) -> None:
        if self.refusal is not None:
            return
        if self.unread:
            self.unread += data
            self.flow.pause_reading()
            return
        self._unset_keepalive_if_required()
        self.parse(memoryview(data))

    def parse(self, data: memoryview) -> None:
        """Parse what has arrived, a slice at a time, up to a request that has to wait."""
        if self.timer is None and not self.in_message and not self.is_busy():
            self.set_timer(self.head_seconds)  # empty lines begin no message
        while data and self.refusal is None and not self.transport.is_closing():
            if self.pipeline:
                self.unread = bytes(data)
                self.flow.pause_reading()
                self.unset_timer()  # from here on the caller waits for us
                return
            in_body = self.in_message and not self.in_head
            piece = data[: BODY_SLICE if in_body else HEAD_SLICE]
            data = data[len(piece) :]
            delivered, messages = self.body_bytes, self.messages
            try:
                rest = self.parse_piece(piece)
            except httptools.HttpParserError as error:
                cause = error.__context__ if isinstance(error.__context__, ServingError) else None
                self.refuse(cause or InvalidRequest("This is no HTTP/1.1 request."))
                return
            if rest:
                data = memoryview(bytes(rest) + bytes(data))
            self.count_head(len(piece))
            if in_body and messages == self.messages:
                self.count_framing(len(piece) - (self.body_bytes - delivered))

    def parse_piece(self, piece: memoryview) -> memoryview | None:
        """Parse a piece; return what follows a request that offered to upgrade."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as stop:
            # The parser leaves what follows to the other protocol. There is none here.
            head, self.without_upgrade = self.without_upgrade, None
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            if head is None:  # CONNECT: what follows is no HTTP
                self.cycle.keep_alive = False
                return None
            self.parser.feed_data(head)
            return piece[stop.args[0] :]
        return None

    def count_head(self, size: int) -> None:
        """Count bytes of a head that goes on after them."""
        if self.in_head:
            self.head_bytes += size
            if self.head_bytes > MAX_HEAD_BYTES:
                self.refuse(HeadTooLarge(f"The head has more than {MAX_HEAD_BYTES} bytes."))

    def count_framing(self, size: int) -> None:
        """Count bytes of a body that are none of its content: chunks' lengths and trailers."""
        self.framing_bytes += size
        if self.framing_bytes > MAX_HEAD_BYTES + CHUNK_OVERHEAD * self.body_bytes:
            self.refuse(InvalidRequest("The body is mostly framing."))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.messages += 1
        self.in_message = self.in_head = True
        self.headers_seen = self.head_bytes = self.body_bytes = self.framing_bytes = 0
        self.set_timer(self.head_seconds)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers_seen += 1
        if self.headers_seen > MAX_HEADERS:
            raise HeadTooLarge(f"The head has more than {MAX_HEADERS} lines.")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.in_head = False
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self.without_upgrade = self.write_head()
            return
        super().on_headers_complete()
        self.set_timer(self.body_seconds + SPARE_SECONDS)

    def on_body(self, body: bytes) -> None:
        self.body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_message = False
        if self.without_upgrade is not None:
            return
        super().on_message_complete()
        self.unset_timer()
        refused = self.cycle is not None and self.cycle.response_complete
        if refused and self.timeout_keep_alive_task is None:
            # The rest of a refused body is in: from here on the connection is idle again.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def write_head(self) -> bytes:
        """Write the head of the current request without its offer to upgrade."""
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        for name, value in self.headers:
            if name == b"connection":
                kept = [t for t in value.split(b",") if t.strip().lower() not in HOP_HEADERS]
                value = b",".join(kept)
            if name not in HOP_HEADERS and value:
                lines.append(name + b": " + value)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _should_upgrade(self) -> bool:
        return False

    def refuse(self, error: ServingError) -> None:
        """Read no more; write the error once what came before it is answered."""
        self.refusal = error
        if self.in_message and not self.in_head:
            self.transport.abort()  # the application may be answering this very request
        elif not self.is_busy():
            self.write_refusal()

    def write_refusal(self) -> None:
        """Answer what was no request, and close once the caller has had time to read that."""
        assert self.refusal is not None
        body = orjson.dumps(describe_error(self.refusal))
        lines = [
            STATUS_LINE[self.refusal.http_status].removesuffix(b"\r\n"),
            *(name + b": " + value for name, value in self.server_state.default_headers),
            b"content-type: application/json",
            b"content-length: " + str(len(body)).encode(),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        # To close at once would reset the connection, and the caller might never see the answer.
        self.transport.write_eof()
        self.set_timer(SPARE_SECONDS)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.unread:
            if not self.pipeline:  # what waits may be the body of the request that begins now
                self.loop.call_soon(self.parse_unread)
        elif not self.is_busy():
            if self.refusal is not None:
                self.write_refusal()
            elif self.half_closed:
                self.transport.close()

    def parse_unread(self) -> None:
        data, self.unread = self.unread, b""
        if not self.transport.is_closing():
            if self.in_message:
                body_seconds = self.body_seconds + SPARE_SECONDS
                self.set_timer(self.head_seconds if self.in_head else body_seconds)
            self.parse(memoryview(data))
            if self.half_closed and not self.is_whole():
                self.transport.close()

    def set_timer(self, seconds: float) -> None:
        self.unset_timer()
        self.timer = self.loop.call_later(seconds, self.transport.abort)

    def unset_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def install_protocol(head_seconds: float, body_seconds: float, answer_seconds: float) -> None:
    """Make it the protocol of every uvicorn server of this process, and WebSockets of none."""
    GuardedProtocol.head_seconds = head_seconds
    GuardedProtocol.body_seconds = body_seconds
    GuardedProtocol.answer_seconds = answer_seconds
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{GuardedProtocol.__name__}"
    WS_PROTOCOLS["auto"] = None
