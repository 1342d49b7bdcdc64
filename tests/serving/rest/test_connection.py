"""A connection's protocol by itself: what it keeps of requests that are sent ahead."""

import asyncio

from uvicorn import Config
from uvicorn.server import ServerState

from serving.rest.connection import GuardedProtocol


class FakeTransport(asyncio.Transport):
    """A connection on which nothing is read or written."""

    reading = True

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write(self, data) -> None:
        """Take it."""

    def close(self) -> None:
        """It is gone already."""

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        raise AssertionError("it was cut")


async def wait_forever(scope, receive, send) -> None:
    await receive()
    await asyncio.Future()


def connect() -> tuple[GuardedProtocol, FakeTransport]:
    config = Config(wait_forever, lifespan="off", log_config=None)
    config.load()
    transport = FakeTransport()
    protocol = GuardedProtocol(config, ServerState(), {})
    protocol.connection_made(transport)
    return protocol, transport


async def test_requests_sent_ahead_wait_as_bytes():
    """A request that is parsed takes kilobytes; of those to come, one is."""
    protocol, transport = connect()
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    protocol.data_received(request * 5000)
    # What the first slices hold is parsed; the rest waits as it came.
    assert len(protocol.pipeline) * len(request) < 8192
    assert len(protocol.unread) > 5000 * len(request) - 8192 and not transport.reading
    protocol.connection_lost(None)


async def test_who_asks_ahead_and_leaves_is_told_to_all_requests():
    """uvicorn tells the latest alone; the one that is answered would write to nobody."""
    protocol, _ = connect()
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
    running = protocol.running
    assert running is not None and running is not protocol.cycle
    protocol.connection_lost(None)
    assert running.disconnected and protocol.cycle.disconnected
