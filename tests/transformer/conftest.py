"""A transformer before a finder and a predictor that need no weights, and requests for it."""

import threading

import httpx
import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from serving.errors import ModelNotFound, PredictorUnavailable
from serving.faces import Square
from serving.landmarks import LandmarkSet
from serving.messages import InferenceRequest, Tensor
from serving.repository import Repository
from serving.rest.app import create_app
from transformer.backends.base import FaceLandmarks, Network, PredictorBackend
from transformer.faces import DetectedFaces
from transformer.inputs.choices import Choices
from transformer.model import Transformer
from transformer.pool import WorkerPool
from transformer.settings import TransformerSettings

INFER = "/v2/models/unet/infer"
PNG = {"content-type": "image/png"}


OTHER = DEFAULT.model_copy(update={"points": DEFAULT.points[::-1], "side": 64})


class FakeFinder:
    """Finds as many faces as the picture has bytes, once its gate is open."""

    def __init__(self):
        self.cropped_for: list[LandmarkSet] = []
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = False

    def detect_faces(
        self, content: bytes, landmarks: LandmarkSet, choices: Choices
    ) -> DetectedFaces:
        self.waiting = True
        self.gate.wait(3)
        self.cropped_for.append(landmarks)
        n = min(len(content), choices.max_faces)
        boxes, crops = np.zeros((n, 4), np.float32), np.zeros((n, 1, 96, 96), np.uint8)
        scores, turns = np.ones(n, np.float32), np.zeros(n, np.int16)
        squares = [Square(0, 0, 96)] * n
        left_out = len(content) - n
        return DetectedFaces(boxes, scores, turns, squares, crops, left_out, (96, 96))


class FakePredictor(PredictorBackend):
    """Gives each face the same points, of one landmark set."""

    address, ready, local = "here", True, False
    landmarks: LandmarkSet | None = DEFAULT
    asked, max_faces = 0, 2

    async def infer(self, faces, model, call, heatmaps) -> FaceLandmarks:
        assert len(faces) <= self.max_faces
        assert self.landmarks is not None
        n, k = len(faces), len(self.landmarks)
        points, scores = np.zeros((n, k, 2), np.float32), np.ones((n, k), np.float32)
        located = FaceLandmarks(points, scores, {}, self.landmarks.digest)
        if heatmaps:
            located.heatmaps = np.broadcast_to(faces, (n, k, 96, 96)).astype(np.float32)
        return located

    async def fetch_network(self, model: str, deadline: float) -> Network:
        self.asked += 1
        if model == "none":
            raise ModelNotFound("There is no model 'none' here.")
        if self.landmarks is None:
            raise PredictorUnavailable("It lacks a landmark set.")
        return Network(self.landmarks, self.max_faces, self.landmarks.digest)

    async def check_ready(self, model: str) -> str:
        return "" if self.ready else "It is away."

    async def close(self) -> None: ...


def make_request(*sizes: int) -> InferenceRequest:
    pictures = np.empty(len(sizes), np.object_)
    pictures[:] = [b"x" * size for size in sizes]
    return InferenceRequest("unet", {"image": Tensor("image", "BYTES", pictures)})


def make_model(**settings) -> Transformer:
    settings = {"max_picture_faces": 4, "max_images": 3} | settings
    model = Transformer("unet", TransformerSettings(workers=1, **settings), FakePredictor())
    model.finder = FakeFinder()  # type: ignore[assignment]
    model.pool, model.ready = WorkerPool(1, model.settings.max_pictures), True
    return model


@pytest.fixture
def model() -> Transformer:
    return make_model()


@pytest.fixture
async def rest(model: Transformer):
    app = create_app(Repository([model], model.settings), "0")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client
