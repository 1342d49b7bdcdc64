"""Many callers at once: pictures that wait share calls, and none waits for nothing."""

import asyncio
from collections import Counter

import httpx
import pytest

from tests.support.ask import JPEG, infer_url
from tests.support.load import count_answered
from tools.processes import Service

COUNT, HERD = 24, 250


async def ask_at_once(service: Service, picture: bytes, count: int) -> list[httpx.Response]:
    """Ask with a picture, each time on a connection of its own."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=120, trust_env=False, limits=limits) as client:
        return await asyncio.gather(
            *(client.post(infer_url(service), content=picture, headers=JPEG) for _ in range(count))
        )


async def test_pictures_that_wait_share_calls(
    predictor: Service, transformer: Service, astronaut: bytes
):
    def read(answer: httpx.Response) -> dict[str, list[float]]:
        return {output["name"]: output["data"] for output in answer.json()["outputs"]}

    (alone,) = map(read, await ask_at_once(transformer, astronaut, 1))
    before = count_answered(predictor)
    for answer in await ask_at_once(transformer, astronaut, COUNT):  # by another kernel, perhaps
        assert read(answer)["landmarks"] == pytest.approx(alone["landmarks"], abs=0.5)
    assert 0 < count_answered(predictor) - before < COUNT


async def test_a_herd_is_answered_or_told_to_come_back(start_transformer, astronaut: bytes):
    """What can't be had in a request's time is refused before its end; there is room for all."""
    service = start_transformer(request_seconds="1")
    await ask_at_once(service, astronaut, 1)
    answers = await ask_at_once(service, astronaut, HERD)
    codes = Counter(answer.status_code for answer in answers)
    assert codes[200] and codes[429] and set(codes) <= {200, 429, 504}, codes
    assert codes[504] < codes[429], codes
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)
