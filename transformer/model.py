"""The transformer's KServe model: pictures in, the landmarks of their faces out."""

import time
from collections import Counter
from typing import Any

import numpy as np

from serving import metrics, tracing
from serving.contract import BOX_SCORES, BOXES, FACE, IMAGE, IMAGE_INDEX, LANDMARKS, POINTS, SCORES
from serving.errors import TooLarge
from serving.logs import logger
from serving.messages import InferenceRequest, InferenceResponse, choose_outputs
from serving.model import Model, pick_outputs
from transformer.crop import to_picture
from transformer.faces import FaceFinder, Faces
from transformer.inputs import read_faces, read_model, read_pictures
from transformer.pool import WorkerPool
from transformer.predictor_client import Located, PredictorClient
from transformer.settings import TransformerSettings


class Transformer(Model):
    """Chains the detector and the landmark model."""

    service = "transformer"
    inputs = (IMAGE, FACE)
    outputs = (LANDMARKS, SCORES, BOXES, BOX_SCORES, IMAGE_INDEX)
    settings: TransformerSettings

    def load(self) -> bool:
        """Load the detector and start the workers; raises DetectorError with one sentence."""
        self.finder = FaceFinder(self.settings)
        self.pool = WorkerPool(self.settings.workers, self.settings.max_pictures)
        self.client = PredictorClient(self.settings.predictor)
        detector = self.finder.first
        metrics.DETECTOR.labels(detector.name, detector.runtime, detector.precision).set(1)
        logger.info(
            "loaded",
            extra={
                "detector": detector.name,
                "runtime": detector.runtime,
                "precision": detector.precision,
                "predictor": self.client.address,
            },
        )
        self.ready = True
        return self.ready

    async def check_ready(self) -> bool:
        ready = await super().check_ready()
        if ready and self.settings.ready_needs_predictor:
            ready = await self.client.check_ready(self.name)
        return ready

    async def predict(self, payload: InferenceRequest, headers: Any = None) -> InferenceResponse:
        """Answer with each face's landmarks in pixels of its picture, or of the given face."""
        if FACE.name in payload.inputs:
            return await self.locate_faces(payload)
        names = choose_outputs(payload.outputs, self.outputs)
        model = read_model(payload, self.name)
        pictures = read_pictures(payload, self.settings.max_images)
        begun = time.perf_counter()
        found = await self.pool.run_all(self.finder.find_faces, pictures)
        timings = sum_timings(found)
        timings["faces"] = time.perf_counter() - begun  # the three above and waiting for a worker
        counts = [len(faces.scores) for faces in found]
        tracing.tracer.describe(pictures=len(pictures), faces=sum(counts))
        if sum(counts) > self.settings.max_faces:
            raise TooLarge(
                f"There are {sum(counts)} faces; {self.settings.max_faces} go into one request."
            )
        begun = time.perf_counter()
        landmarks, scores = EMPTY_LANDMARKS, EMPTY_SCORES
        if sum(counts):
            crops = np.concatenate([faces.crops for faces in found])  # [F, 1, 96, 96]
            located = await self.call_predictor(crops, model, payload)
            squares = [square for faces in found for square in faces.squares]
            landmarks, scores = to_picture(located.landmarks, squares), located.scores
            timings |= located.timings
        timings["predict"] = time.perf_counter() - begun  # the predictor's stages and the way
        metrics.observe_stages(self.service, timings)
        metrics.FACES.labels(self.service).inc(sum(counts))
        arrays = {
            LANDMARKS.name: landmarks,
            SCORES.name: scores,
            BOXES.name: np.concatenate([faces.boxes for faces in found]),
            BOX_SCORES.name: np.concatenate([faces.scores for faces in found]),
            IMAGE_INDEX.name: np.repeat(np.arange(len(found), dtype=np.int32), counts),
        }
        return InferenceResponse(pick_outputs(names, arrays), timings, len(pictures))

    async def locate_faces(self, request: InferenceRequest) -> InferenceResponse:
        """Pass given faces on: landmarks in pixels of the face, and nothing to detect."""
        names = choose_outputs(request.outputs, (LANDMARKS, SCORES))
        model = read_model(request, self.name)
        faces = read_faces(request, self.settings.max_faces)
        tracing.tracer.describe(faces=len(faces))
        begun = time.perf_counter()
        located = await self.call_predictor(faces, model, request)
        timings = located.timings | {"predict": time.perf_counter() - begun}
        metrics.observe_stages(self.service, timings)
        arrays = {LANDMARKS.name: located.landmarks, SCORES.name: located.scores}
        return InferenceResponse(pick_outputs(names, arrays), timings, len(faces))

    async def call_predictor(
        self, faces: np.ndarray, model: str, request: InferenceRequest
    ) -> Located:
        assert request.deadline is not None
        return await self.client.locate(faces, model, request.headers, request.deadline)

    async def close(self) -> None:
        await self.client.close()
        await self.pool.close()


EMPTY_LANDMARKS = np.empty((0, POINTS, 2), np.float32)
EMPTY_SCORES = np.empty((0, POINTS), np.float32)


def sum_timings(found: list[Faces]) -> dict[str, float]:
    """Add up what the pictures of a request took, stage by stage."""
    total: Counter[str] = Counter()
    for faces in found:
        total.update(faces.timings)
    return dict(total)
