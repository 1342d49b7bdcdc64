"""A connection by itself: what it refuses, what it keeps of requests sent ahead, who is gone."""

import asyncio
import json
from functools import partial

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from serving.rest import connection
from serving.rest.connection import (
    FREE_CHUNKS,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    BoundedConnection,
    TimedProtocol,
)
from serving.settings import ServerSettings

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class FakeTransport(asyncio.Transport):
    """A connection that keeps what is written."""

    reading, closed, eof, unread = True, False, False, 0

    def __init__(self):
        super().__init__()
        self.written = b""
        self.cut = asyncio.Event()

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write(self, data) -> None:
        assert not self.eof
        self.written += data

    def write_eof(self) -> None:
        self.eof = True

    def close(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return self.unread

    def abort(self) -> None:
        self.cut.set()


async def wait(scope, receive, send) -> None:
    """Read a body and then wait for the caller to leave."""
    while (await receive())["type"] != "http.disconnect":
        pass


def connect(**settings: float) -> tuple[TimedProtocol, FakeTransport]:
    http = partial(TimedProtocol, ServerSettings.model_validate(settings))
    config = Config(wait, http=http, lifespan="off", log_config=None)  # type: ignore[arg-type]
    config.load()
    transport = FakeTransport()
    protocol = http(config=config, server_state=ServerState(), app_state={})
    protocol.connection_made(transport)
    return protocol, transport


BAD = {
    "no HTTP": (b"\0\1\2\r\n\r\n", 400),
    "an address that is not ASCII": (b"GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a space in the address": (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "no length": (POST + b"Content-Length: many\r\n\r\n", 400),
    "a long address": (b"GET /" + b"p" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    "a long line": (POST + b"a: " + b"b" * MAX_HEAD_BYTES + b"\r\n\r\n", 431),
    "many lines": (POST + b"a: b\r\n" * MAX_HEADERS + b"\r\n", 431),
    "a head without end": (POST + b"a: b\r\n" * MAX_HEAD_BYTES, 431),
    "a broken chunk": (CHUNKED + b"x\r\n", 400),
    "a chunk's endless line": (CHUNKED + b"1;" + b"x" * MAX_HEAD_BYTES, 431),
    "endless trailers": (CHUNKED + b"0\r\n" + b"a: b\r\n" * MAX_HEAD_BYTES, 431),
    "one byte a chunk": (CHUNKED + b"1\r\nx\r\n" * (FREE_CHUNKS + 10), 400),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_is_not_a_valid_request_is_told_and_no_more_is_read(case):
    data, status = BAD[case]
    protocol, transport = connect()
    protocol.data_received(data)
    head, _, body = transport.written.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status and b"connection: close" in head.lower()
    assert json.loads(body)["code"] == ("invalid_request" if status == 400 else "head_too_large")
    assert transport.eof and not transport.closed and transport.reading  # to be read in peace
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert transport.written == head + b"\r\n\r\n" + body
    protocol.connection_lost(None)


@pytest.mark.parametrize("size", [1, 300])
async def test_of_a_body_no_more_chunks_are_read_than_are_few_or_long(size):
    """h11 takes 0.02 ms per chunk: of one byte each, a packet of 256 KiB would take a second."""
    protocol, transport = connect()
    chunk = b"%x\r\n%s\r\n" % (size, b"x" * size)
    protocol.data_received(CHUNKED)
    protocol.data_received(chunk * (2**19 // len(chunk)))
    assert isinstance(protocol.conn, BoundedConnection)
    assert (protocol.conn.chunks > FREE_CHUNKS + 10) == (size == 300)
    assert (b" 400 " in transport.written) == (size == 1)
    protocol.connection_lost(None)


SILENT = {  # what is sent first, and whose time it is then
    "from the begin": (b"", "head_seconds"),
    "in a head": (b"GET / HTTP/1.1\r\n", "head_seconds"),
    "in a body": (POST + b"Content-Length: 9\r\n\r\nx", "body_seconds"),
    "after a refusal": (b"x\r\n\r\n", ""),
}


@pytest.mark.parametrize("silent", SILENT)
async def test_who_falls_silent_is_cut(silent, monkeypatch):
    monkeypatch.setattr(connection, "SPARE_SECONDS", 0.01)
    data, bound = SILENT[silent]
    times = {"head_seconds": 600.0, "body_seconds": 600.0} | ({bound: 0.01} if bound else {})
    protocol, transport = connect(**times)
    if data:  # as a loop has it
        protocol.data_received(data)
    async with asyncio.timeout(60):
        await transport.cut.wait()
    protocol.connection_lost(None)


@pytest.mark.parametrize("end", [TimedProtocol.pause_writing, TimedProtocol.on_response_complete])
async def test_who_does_not_read_what_is_written_is_cut(end):
    """In the middle of a long answer, or at the end of a short one."""
    protocol, transport = connect(answer_seconds=0.01)
    protocol.data_received(POST + b"Content-Length: 0\r\n\r\n")
    transport.unread = 1
    end(protocol)
    async with asyncio.timeout(60):
        await transport.cut.wait()
    protocol.connection_lost(None)
