"""Who has left is not worked for: callers that lose patience, all at once and again and again."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import grpc.aio
import pytest
import requests

from serving.cpus import count_cpus
from serving.grpc.codec import encode_request
from tests.support.raw_http import write_request
from tests.support.raw_http2 import INFER
from tools.processes import Service

PATIENCE, WORK, WAVES = 1.0, 3.0, 4  # seconds of a caller, and of all of a wave's work


async def ask_over_rest(service: Service, picture: bytes) -> bool:
    """Ask once on a connection of its own; return whether the answer came in time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.rest)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(write_request(picture, "Content-Type: image/jpeg"))
            return (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    except (TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        writer.close()


async def ask_over_grpc(service: Service, picture: bytes) -> bool:
    """Ask once, and cancel: no deadline tells the service how long the caller waits."""
    message = encode_request("unet", {"image": [picture]}).SerializeToString()
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{service.grpc}", options) as channel:
        call = channel.unary_unary(INFER)(message)
        try:
            async with asyncio.timeout(PATIENCE):
                await call
        except (TimeoutError, grpc.aio.AioRpcError):
            return False
        finally:
            call.cancel()
        return True


Ask = Callable[[Service, bytes], Awaitable[bool]]


def count_answered(service: Service) -> float:
    """Count the requests that a service computed an answer for."""
    text = requests.get(f"{service.url}/metrics", timeout=60).text
    return sum(map(float, re.findall(r'landmarks_requests_total\{code="ok".* ([\d.]+)', text)))


async def measure_rate(ask: Ask, service: Service, picture: bytes) -> float:
    """Return the answers in a second to four callers without a pause."""
    begun, answered = time.monotonic(), 0
    while time.monotonic() - begun < 3:
        answered += sum(await asyncio.gather(*(ask(service, picture) for _ in range(4))))
    return answered / (time.monotonic() - begun)


@pytest.mark.parametrize("ask", [ask_over_rest, ask_over_grpc])
async def test_a_storm_of_the_impatient(predictor, transformer, astronaut, ask: Ask):
    """Hardly more is finished than is answered in time; what the workers hold then is."""
    both = (transformer, predictor)
    rate = await measure_rate(ask, transformer, astronaut)
    before = [count_answered(service) for service in both]
    in_time = 0
    for _ in range(WAVES):
        callers = (ask(transformer, astronaut) for _ in range(round(rate * WORK)))
        in_time += sum(await asyncio.gather(*callers))
    await asyncio.sleep(1)
    finished, located = (count_answered(s) - b for s, b in zip(both, before, strict=True))
    assert in_time >= 0.8 * finished > 0
    assert located <= in_time + max(0.05 * located, WAVES * count_cpus())
