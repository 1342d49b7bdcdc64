"""Many callers at once: they share calls, come back later, and who has left is not worked for."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import grpc.aio
import httpx
import pytest

from serving.cpus import count_cpus
from serving.grpc.codec import encode_request
from tests.support.ask import JPEG, infer_url
from tests.support.load import count_answered, sum_metric
from tests.support.raw_http import write_request
from tests.support.raw_http2 import INFER
from tools.processes import Service

COUNT, HERD = 24, 250
PATIENCE, WAVES, WAVE = 1.0, 4, 100 * count_cpus()  # seconds of a caller; waves, and callers in one
RUN = "landmarks_batch_faces_sum"  # faces that the network was run for, whoever waited


async def ask_at_once(service: Service, picture: bytes, count: int) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=120, trust_env=False, limits=limits) as client:
        return await asyncio.gather(
            *(client.post(infer_url(service), content=picture, headers=JPEG) for _ in range(count))
        )


async def test_pictures_that_wait_share_calls(predictor, transformer, astronaut):
    def read(answer: httpx.Response) -> list[float]:
        return answer.json()["outputs"][0]["data"]

    (alone,) = map(read, await ask_at_once(transformer, astronaut, 1))
    before = count_answered(predictor)
    for answer in await ask_at_once(transformer, astronaut, COUNT):  # by another kernel, perhaps
        assert read(answer) == pytest.approx(alone, abs=0.5)
    assert 0 < count_answered(predictor) - before < COUNT


async def test_a_herd_is_answered_or_told_to_come_back(start_transformer, astronaut):
    """What can't be had in a request's time is refused before its end; there is room for all."""
    service = start_transformer(request_seconds="1")
    await ask_at_once(service, astronaut, 1)
    answers = await ask_at_once(service, astronaut, HERD)
    codes = Counter(answer.status_code for answer in answers)
    assert codes[200] and codes[504] < codes[429] and set(codes) <= {200, 429, 504}, codes
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)


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


@pytest.mark.parametrize("ask", [ask_over_rest, ask_over_grpc])
async def test_a_storm_of_the_impatient(predictor, transformer, astronaut, ask: Ask):
    """For those who left no more is worked than what was in hand as they did."""
    before, in_time = sum_metric(predictor, RUN), 0
    for _ in range(WAVES):
        in_time += sum(await asyncio.gather(*(ask(transformer, astronaut) for _ in range(WAVE))))
    await asyncio.sleep(1)
    worked = sum_metric(predictor, RUN) - before
    print(f"{WAVES * WAVE} asked, {in_time} answered in time, {worked:.0f} worked for")
    assert worked <= in_time + WAVES * 6 * count_cpus()  # with workers, in calls, on their way
