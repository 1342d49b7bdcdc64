"""Pictures that wait together share calls to the predictor, and each has its own answer."""

import asyncio

import httpx
import pytest

from tests.end_to_end.test_abandoned import count_answered
from tools.processes import Service

COUNT = 24


async def test_pictures_that_wait_share_calls(
    predictor: Service, transformer: Service, astronaut: bytes
):
    url, headers = f"{transformer.url}/v2/models/unet/infer", {"Content-Type": "image/jpeg"}

    def read(answer: httpx.Response) -> dict[str, list[float]]:
        return {output["name"]: output["data"] for output in answer.json()["outputs"]}

    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        alone = read(await client.post(url, content=astronaut, headers=headers))
        before = count_answered(predictor)
        answers = await asyncio.gather(
            *(client.post(url, content=astronaut, headers=headers) for _ in range(COUNT))
        )
    for answer in answers:  # by another kernel, perhaps
        assert read(answer)["landmarks"] == pytest.approx(alone["landmarks"], abs=0.5)
    assert 0 < count_answered(predictor) - before < COUNT
