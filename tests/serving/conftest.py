"""A model that needs no weights, served in this process, and a body that it takes."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest

from serving.contract import FACE, LANDMARKS, TensorSpec
from serving.errors import InvalidRequest
from serving.messages import Call, InferenceRequest, InferenceResponse
from serving.model import Model
from serving.repository import Repository
from serving.rest.app import create_app
from serving.settings import ServerSettings

BIG = TensorSpec("big", ("FP32",), (-1, 100_000))


class FakeModel(Model):
    """Gives each face's sum; does what the parameter `do` says."""

    service = "predictor"
    inputs = (FACE,)
    outputs = (LANDMARKS, BIG)

    def __init__(self, name: str = "fake", settings: ServerSettings | None = None, version="1"):
        super().__init__(name, settings or ServerSettings(), version)
        self.ready = True
        self.closed = self.left = False
        self.gate = asyncio.Event()  # what lets it go on that waits
        self.seen: InferenceRequest | None = None
        self.call: Call | None = None

    async def predict(self, request: InferenceRequest, call: Call) -> InferenceResponse:
        self.seen, self.call = request, call
        what = request.parameters.get("do")
        if what == "wait":
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.left = True
                raise
        if what == "fail":
            raise RuntimeError("secret: a cause that callers shall not read")
        if what == "refuse":
            raise InvalidRequest("It is refused.")
        assert not self.closed
        (tensor,) = request.inputs.values()
        rows = tensor.array.reshape(len(tensor.array), -1).astype(np.float32)
        outputs = {"landmarks": np.tile(rows.sum(axis=1)[:, None, None], (1, 15, 2))}
        if "big" in request.outputs:
            outputs = {"big": np.full((1, 100_000), 1 / 3, np.float32)}
        return InferenceResponse(outputs, {"queue": 0.001, "infer": 0.002}, len(rows))

    async def close(self) -> None:
        self.closed = True


def make_body(**changes) -> dict:
    tensor = {"name": "face", "datatype": "UINT8", "shape": [1, 1, 2, 2], "data": [1, 2, 3, 4]}
    return {"inputs": [tensor]} | changes


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def repository(model: FakeModel) -> Repository:
    return Repository([model], model.settings)


@pytest.fixture
async def rest(repository: Repository) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(repository, "0"))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client
