"""A call to the predictor in the same process: let in, timed, counted and given up as over gRPC."""

import asyncio
import time

import numpy as np
import pytest
from prometheus_client import REGISTRY

from predictor.landmarks import DEFAULT
from serving.contract import FACE, LANDMARKS, SCORES
from serving.errors import DeadlineExceeded, Overloaded
from serving.messages import Call, InferenceRequest, InferenceResponse
from serving.model import Model
from serving.repository import Repository
from serving.settings import ServerSettings
from standalone import LocalBackend

FACES = np.zeros((3, 1, 96, 96), np.uint8)


class FakePredictor(Model):
    service, inputs, outputs = "predictor", (FACE,), (LANDMARKS, SCORES)
    landmarks = DEFAULT

    def __init__(self, settings: ServerSettings):
        super().__init__("local", settings)
        self.gate = asyncio.Event()
        self.gate.set()
        self.ready = True

    async def predict(self, request: InferenceRequest, call: Call) -> InferenceResponse:
        await self.gate.wait()
        n = len(request.inputs[FACE.name].array)
        points = np.zeros((n, len(DEFAULT), 2), np.float32)
        arrays = {LANDMARKS.name: points, SCORES.name: points[..., 0]}
        return InferenceResponse(arrays, {"infer": 0.5}, n, DEFAULT.digest)


@pytest.fixture
async def model() -> FakePredictor:
    return FakePredictor(ServerSettings(max_inflight=1))


@pytest.fixture
def client(model) -> LocalBackend:
    return LocalBackend(Repository([model], model.settings))


def count(code: str, model: str = "local") -> float:
    labels = {"service": "predictor", "model": model, "code": code}
    return REGISTRY.get_sample_value("landmarks_requests_total", labels) or 0.0


def soon(seconds: float = 10.0) -> float:
    return time.monotonic() + seconds


async def test_the_deadline_is_the_callers(client, model):
    model.gate.clear()
    before = count("deadline_exceeded")
    with pytest.raises(DeadlineExceeded):
        await asyncio.wait_for(client.predict(FACES, "local", Call(soon(0.05))), 5)
    assert count("deadline_exceeded") == before + 1


async def test_who_leaves_gives_up_the_place_that_others_are_refused(client, model):
    model.gate.clear()
    before = count("cancelled")
    first = asyncio.ensure_future(client.predict(FACES, "local", Call(soon())))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await client.predict(FACES, "local", Call(soon()))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert count("cancelled") == before + 1 and model.inflight == 0
    model.gate.set()
    await client.predict(FACES, "local", Call(soon()))
