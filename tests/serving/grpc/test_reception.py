"""Messages are received a few at a time, and slow ones make room for those that wait."""

import asyncio

import pytest

from serving.errors import Overloaded, RequestTimeout
from serving.grpc import reception
from serving.grpc.reception import Reception
from serving.settings import ServerSettings


def make_reception(**settings) -> Reception:
    room = {"max_inflight_bytes": 2 * 2**20, "max_body_bytes": 2**20}
    return Reception(ServerSettings.model_validate(room | settings))


async def wait_long() -> bytes:
    return await asyncio.Future()


async def come() -> bytes:
    return b"it"


async def test_a_slow_message_ends_in_time_and_alone_has_all_of_it(monkeypatch):
    monkeypatch.setattr(reception, "HURRY_SECONDS", 0.05)
    alone = make_reception(body_seconds=0.3)
    with pytest.raises(RequestTimeout, match=r"within 0\.3 seconds"):
        await alone.read(wait_long)
    full = make_reception(body_seconds=600, max_inflight=3)
    slow = [asyncio.create_task(full.read(wait_long)) for _ in "ab"]
    await asyncio.sleep(0)
    async with asyncio.timeout(60):  # the older one gives its place up, the other stays
        assert await full.read(come) == b"it"
    assert isinstance(slow[0].exception(), Overloaded) and not slow[1].done()
    slow.append(asyncio.create_task(full.read(wait_long)))
    slow.append(asyncio.create_task(full.read(wait_long)))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="3 messages"):
        await full.read(come)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert await full.read(come) == b"it" and not full.calls and not full.begins
