"""The transformer's KServe model: pictures in, the landmarks of their faces out."""

import asyncio
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from serving import metrics
from serving.contract import BOX_SCORES, BOXES, FACE, IMAGE, IMAGE_INDEX, LANDMARKS, POINTS, SCORES
from serving.errors import TooLarge
from serving.logs import logger
from serving.messages import InferenceRequest, InferenceResponse, choose_outputs
from serving.model import Model, pick_outputs
from transformer.crop import to_picture
from transformer.faces import FaceFinder, Faces
from transformer.inputs import read_faces, read_pictures
from transformer.predictor_client import PredictorClient
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
        self.pool = ThreadPoolExecutor(self.settings.workers, thread_name_prefix="faces")
        self.client = PredictorClient(self.settings.predictor, self.name)
        logger.info(
            "loaded", extra={"detector": self.finder.name, "predictor": self.client.address}
        )
        self.ready = True
        return self.ready

    async def check_ready(self) -> bool:
        return await super().check_ready() and await self.client.check_ready()

    async def predict(self, payload: InferenceRequest, headers: Any = None) -> InferenceResponse:
        """Answer with each face's landmarks in pixels of its picture, or of the given face."""
        if FACE.name in payload.inputs:
            return await self.locate_faces(payload)
        names = choose_outputs(payload.outputs, self.outputs)
        pictures = read_pictures(payload, self.settings.max_images)
        loop = asyncio.get_running_loop()
        begun = time.perf_counter()
        found: list[Faces] = await asyncio.gather(
            *(loop.run_in_executor(self.pool, self.finder.find_faces, p) for p in pictures)
        )
        timings = sum_timings(found)
        timings["faces"] = time.perf_counter() - begun  # the three above and waiting for a worker
        counts = [len(faces.scores) for faces in found]
        if sum(counts) > self.settings.max_faces:
            raise TooLarge(
                f"There are {sum(counts)} faces; {self.settings.max_faces} go into one request."
            )
        begun = time.perf_counter()
        landmarks, scores = EMPTY_LANDMARKS, EMPTY_SCORES
        if sum(counts):
            crops = np.concatenate([faces.crops for faces in found])  # [F, 1, 96, 96]
            points, scores = await self.call_predictor(crops, payload)
            landmarks = to_picture(points, [s for faces in found for s in faces.squares])
        timings["predict"] = time.perf_counter() - begun
        metrics.observe_stages(self.service, timings)
        metrics.FACES.labels(self.service).inc(sum(counts))
        arrays = {
            LANDMARKS.name: landmarks,
            SCORES.name: scores,
            BOXES.name: np.concatenate([faces.boxes for faces in found]),
            BOX_SCORES.name: np.concatenate([faces.scores for faces in found]),
            IMAGE_INDEX.name: np.repeat(np.arange(len(found), dtype=np.int32), counts),
        }
        return InferenceResponse(pick_outputs(names, arrays), timings)

    async def locate_faces(self, request: InferenceRequest) -> InferenceResponse:
        """Pass given faces on: landmarks in pixels of the face, and nothing to detect."""
        names = choose_outputs(request.outputs, (LANDMARKS, SCORES))
        faces = read_faces(request, self.settings.max_faces)
        begun = time.perf_counter()
        landmarks, scores = await self.call_predictor(faces, request)
        timings = {"predict": time.perf_counter() - begun}
        metrics.observe_stages(self.service, timings)
        arrays = {LANDMARKS.name: landmarks, SCORES.name: scores}
        return InferenceResponse(pick_outputs(names, arrays), timings)

    async def call_predictor(self, faces: np.ndarray, request: InferenceRequest):
        assert request.deadline is not None
        return await self.client.locate(faces, request.headers, request.deadline)

    async def close(self) -> None:
        await self.client.close()
        await asyncio.to_thread(self.pool.shutdown)


EMPTY_LANDMARKS = np.empty((0, POINTS, 2), np.float32)
EMPTY_SCORES = np.empty((0, POINTS), np.float32)


def sum_timings(found: list[Faces]) -> dict[str, float]:
    """Add up what the pictures of a request took, stage by stage."""
    total: Counter[str] = Counter()
    for faces in found:
        total.update(faces.timings)
    return dict(total)
