"""A finder and a predictor that need no weights, and requests for them."""

import threading
from dataclasses import replace

import numpy as np

from predictor.landmarks import DEFAULT
from serving.errors import ModelNotFound, PredictorUnavailable
from serving.landmarks import LandmarkSet
from serving.messages import InferenceRequest, Tensor
from transformer.client import FaceLandmarks
from transformer.crop import Square
from transformer.faces import DetectedFaces

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

    local = False
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


def make_request(*sizes: int) -> InferenceRequest:
    pictures = np.empty(len(sizes), np.object_)
    pictures[:] = [b"x" * size for size in sizes]
    return InferenceRequest("unet", {"image": Tensor("image", "BYTES", pictures)})
