"""The transformer's model, with a detector and a predictor that do as they are told."""

import asyncio
import re
import threading
import time
from dataclasses import replace

import httpx
import numpy as np
import pytest
from prometheus_client import REGISTRY

from predictor.landmarks import DEFAULT
from serving.errors import InvalidImage, ModelNotFound, PredictorUnavailable, TooLarge
from serving.landmarks import LandmarkSet
from serving.messages import InferenceRequest, Tensor
from serving.repository import Repository
from serving.rest.app import create_app
from tests.support.guarding import guards
from transformer.client import FaceLandmarks
from transformer.crop import Square
from transformer.faces import DetectedFaces
from transformer.model import Transformer
from transformer.pool import WorkerPool
from transformer.settings import TransformerSettings

INFER = "/v2/models/unet/infer"
PNG = {"content-type": "image/png"}


OTHER = replace(DEFAULT, points=DEFAULT.points[::-1], side=64)


class FakeFinder:
    """Finds as many faces as the picture has bytes, once its gate is open."""

    def __init__(self):
        self.cropped_for: list[LandmarkSet] = []
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = False

    def detect_faces(self, content: bytes, landmarks: LandmarkSet) -> DetectedFaces:
        self.waiting = True
        self.gate.wait(3)
        self.cropped_for.append(landmarks)
        n = len(content)
        boxes, crops = np.zeros((n, 4), np.float32), np.zeros((n, 1, 96, 96), np.uint8)
        return DetectedFaces(boxes, np.ones(n, np.float32), [Square(0, 0, 96)] * n, crops)


class FakePredictor:
    """Gives each face the same points, of one landmark set."""

    ready = True
    landmarks: LandmarkSet | None = DEFAULT
    asked = 0

    async def predict(self, faces, model, headers, deadline, heatmaps=False) -> FaceLandmarks:
        if model == "none":
            raise ModelNotFound("There is no model 'none' here, says the call.")
        assert self.landmarks is not None
        n, k = len(faces), len(self.landmarks)
        points, scores = np.zeros((n, k, 2), np.float32), np.ones((n, k), np.float32)
        located = FaceLandmarks(points, scores, {}, self.landmarks.digest)
        if heatmaps:
            located.heatmaps = np.broadcast_to(faces, (n, k, 96, 96)).astype(np.float32)
        return located

    async def fetch_landmarks(self, model: str, deadline: float) -> LandmarkSet:
        self.asked += 1
        if model == "none":
            raise ModelNotFound("There is no model 'none' here.")
        if self.landmarks is None:
            raise PredictorUnavailable("It lacks a landmark set.")
        return self.landmarks

    async def check_ready(self, model: str) -> bool:
        return self.ready


@pytest.fixture
def model() -> Transformer:
    settings = TransformerSettings(workers=1, max_picture_faces=4, max_images=3)
    model = Transformer("unet", settings, FakePredictor())  # type: ignore[arg-type]
    model.finder = FakeFinder()  # type: ignore[assignment]
    model.pool = WorkerPool(1, settings.max_pictures)
    model.ready = True
    return model


@pytest.fixture
async def rest(model: Transformer):
    app = create_app(Repository([model], model.settings), "0")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client


def make_request(*sizes: int) -> InferenceRequest:
    pictures = np.empty(len(sizes), np.object_)
    pictures[:] = [b"x" * size for size in sizes]
    return InferenceRequest("unet", {"image": Tensor("image", "BYTES", pictures)})


@guards("transformer/model.py", "payload.claim(4 * len(crops)", becomes="abs(4 * len(crops)")
async def test_heatmaps_come_on_request_and_their_bytes_are_claimed(model):
    claimed: list[int] = []
    request = make_request(1, 2)
    request.outputs, request.claim = ("heatmaps", "crops"), claimed.append
    outputs = (await model.infer(request)).outputs
    assert outputs["heatmaps"].shape == (3, 15, 96, 96) and outputs["crops"].shape == (3, 2, 3)
    assert sum(claimed) == outputs["heatmaps"].nbytes
    request = make_request(0)
    request.outputs = ("heatmaps",)
    assert (await model.infer(request)).outputs["heatmaps"].shape == (0, 15, 96, 96)
    assert "heatmaps" not in (await model.infer(make_request(1))).outputs


async def test_faces_are_told_apart_by_their_picture(model):
    outputs = (await model.infer(make_request(1, 0, 3))).outputs
    assert outputs["image_index"].tolist() == [0, 2, 2, 2]
    assert outputs["landmarks"].shape == (4, 15, 2)
    outputs = (await model.infer(make_request(0))).outputs
    assert outputs["landmarks"].shape == (0, 15, 2)


@guards(
    "transformer/model.py",
    "if sum(counts) > self.settings.max_picture_faces:",
    becomes="if False:",
    name="faces in a request's pictures are bounded",
)
@guards(
    "transformer/inputs.py",
    "if not 1 <= len(array) <= max_images:",
    becomes="if len(array) == 0:",
    name="pictures of a request are bounded",
)
async def test_more_faces_or_pictures_than_the_limit_are_refused(model):
    with pytest.raises(TooLarge, match="5 faces; 4"):
        await model.infer(make_request(2, 3))
    with pytest.raises(TooLarge, match="4 pictures; 1 to 3"):
        await model.infer(make_request(1, 1, 1, 1))


@guards(
    "transformer/faces.py",
    'raise type(error)(f"Picture {number} (counted from 0): {error.message}") from None',
    becomes="raise",
)
async def test_the_bad_one_of_several_pictures_is_named(model):
    class Picky(FakeFinder):
        def detect_faces(self, content: bytes, landmarks: LandmarkSet) -> DetectedFaces:
            if len(content) in (2, 3):
                raise {2: InvalidImage, 3: TooLarge}[len(content)]("It is bad.")
            return super().detect_faces(content, landmarks)

    model.finder = Picky()
    with pytest.raises(InvalidImage, match=r"Picture 1 \(counted from 0\): It is bad\."):
        await model.infer(make_request(0, 2))
    with pytest.raises(TooLarge, match=r"Picture 2 \(counted from 0\): It is bad\."):
        await model.infer(make_request(0, 0, 3))
    with pytest.raises(InvalidImage, match=r"^It is bad\.$"):
        await model.infer(make_request(2))


async def test_waiting_for_a_worker_is_told_counted_and_observed(model, rest):
    name, labels = "landmarks_stage_seconds", {"service": "transformer", "stage": "wait"}

    def read(what: str) -> float:
        return REGISTRY.get_sample_value(f"{name}_{what}", labels) or 0.0

    before = read("count"), read("sum")
    model.finder.gate.clear()
    first = asyncio.create_task(rest.post(INFER, content=b"x", headers=PNG))
    while not model.finder.waiting and not first.done():
        await asyncio.sleep(0.01)
    second = asyncio.create_task(rest.post(INFER, content=b"x", headers=PNG))
    await asyncio.sleep(0.1)
    model.finder.gate.set()
    answers = [await first, await second]
    told = [re.findall(r"\bwait;dur=([0-9.]+)", a.headers["server-timing"]) for a in answers]
    seconds = [float(times[0]) / 1000 for times in told]
    assert seconds[1] > 0.05 > seconds[0]
    queue = model.describe_statistics()["inference_stats"]["queue"]
    assert queue["count"] == 2 and queue["ns"] / 1e9 == pytest.approx(sum(seconds), abs=1e-4)
    assert read("count") - before[0] == 2
    assert read("sum") - before[1] == pytest.approx(sum(seconds), abs=1e-4)


@guards(
    "transformer/model.py",
    "await self.pool.run_all(detect_faces, pictures, timings)",
    becomes="[detect_faces(picture) for picture in pictures]",
)
async def test_health_is_answered_while_a_picture_is_worked_on(model, rest):
    model.finder.gate.clear()
    begun = time.perf_counter()
    asked = asyncio.create_task(rest.post(INFER, content=b"x", headers=PNG))
    while not model.inflight and not asked.done():
        await asyncio.sleep(0.01)
    live = await rest.get("/v2/health/live")
    seconds = time.perf_counter() - begun
    assert live.status_code == 200 and seconds < 1, f"it took {seconds:.1f} s"
    model.finder.gate.set()
    assert (await asked).status_code == 200


@guards(
    "transformer/model.py", "if ready and self.settings.ready_needs_predictor:", becomes="if False:"
)
async def test_it_is_ready_while_its_predictor_is(model, rest):
    assert (await rest.get("/v2/health/ready")).status_code == 200
    model.client.ready = False
    assert (await rest.get("/v2/health/ready")).status_code == 503
    assert (await rest.get("/v2/models/unet/ready")).status_code == 503
    assert (await rest.get("/v2/health/live")).status_code == 200


async def test_the_landmark_set_is_asked_for_once(model):
    for _ in range(3):
        await model.infer(make_request(1))
    assert model.client.asked == 1 and model.finder.cropped_for == [DEFAULT] * 3


@guards("transformer/model.py", "if answer.landmarks != known.digest:", becomes="if False:")
async def test_an_answer_of_another_set_is_cropped_for_and_asked_anew(model, rest):
    """The predictor was replaced: this very answer is of the new set, and so is what is told."""
    await model.infer(make_request(1))
    model.client.landmarks = OTHER
    answer = await model.infer(make_request(2))
    assert answer.outputs["landmarks"].shape == (2, 15, 2) and answer.landmarks == OTHER.digest
    assert model.finder.cropped_for == [DEFAULT, DEFAULT, OTHER]
    model.client.landmarks = None  # it is gone; what it last said stays
    metadata = (await rest.get("/v2/models/unet")).json()
    assert metadata["parameters"]["landmarks"]["points"] == list(OTHER.points)


async def test_a_set_of_other_names_alone_needs_no_other_crop(model):
    await model.infer(make_request(1))
    model.client.landmarks = replace(DEFAULT, points=DEFAULT.points[::-1])
    await model.infer(make_request(1))
    assert model.finder.cropped_for == [DEFAULT] * 2 and model.client.asked == 2


@guards("transformer/model.py", "ready = self.landmarks is not None", becomes="ready = True")
async def test_a_predictor_without_a_set_is_not_asked_to_be_guessed(model, rest):
    model.client.landmarks = None
    assert (await rest.get("/v2/health/ready")).status_code == 503
    answer = await rest.post(INFER, content=b"x", headers=PNG)
    assert answer.status_code == 503 and "landmark set" in answer.text
    assert (await rest.get("/v2/models/unet")).json()["outputs"][0]["shape"] == [-1, -1, 2]
    model.client.landmarks = DEFAULT
    assert (await rest.get("/v2/health/ready")).status_code == 200
    assert (await rest.post(INFER, content=b"x", headers=PNG)).status_code == 200


@pytest.mark.parametrize("faces, words", [(1, "says the call"), (0, "'none' here")])
async def test_a_model_that_is_not_there_is_told_with_and_without_faces(model, faces, words):
    await model.infer(make_request(1))
    request = make_request(faces)
    request.parameters = {"model": "none"}
    with pytest.raises(ModelNotFound, match=words):
        await model.infer(request)
