"""The transformer's KServe model: pictures in, the landmarks of their faces out."""

import time
from collections import Counter
from typing import Any

import numpy as np

from serving import metrics, tracing
from serving.contract import (
    BOX_SCORES,
    BOXES,
    CROPS,
    FACE,
    FACE_SCORES,
    IMAGE,
    IMAGE_INDEX,
    LANDMARKS,
    POINTS,
    SCORES,
)
from serving.errors import TooLarge
from serving.logs import logger
from serving.messages import InferenceRequest, InferenceResponse, choose_outputs
from serving.model import Model, pick_outputs
from transformer.crop import map_to_crop, to_picture
from transformer.faces import FaceFinder, Faces
from transformer.inputs import read_faces, read_model, read_pictures
from transformer.pool import WorkerPool
from transformer.predictor_client import Located, PredictorClient
from transformer.settings import TransformerSettings
from transformer.trust import score_faces
from transformer.way_up import (
    TURNS,
    choose_turns,
    find_doubtful,
    turn_crops,
    turn_maps,
    turn_points_back,
)


class Transformer(Model):
    """Chains the detector and the landmark model."""

    service = "transformer"
    inputs = (IMAGE, FACE)
    outputs = (LANDMARKS, SCORES, BOXES, BOX_SCORES, IMAGE_INDEX, FACE_SCORES, CROPS)
    settings: TransformerSettings

    def load(self) -> bool:
        """Load the detector and start the workers; raises DetectorError with one sentence."""
        self.finder = FaceFinder(self.settings)
        self.pool = WorkerPool(self.settings.workers, self.settings.max_pictures)
        self.client = PredictorClient(self.settings.predictor)
        logger.info(
            "loaded", extra={"detector": self.finder.name, "predictor": self.client.address}
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
        names = choose_outputs(payload.outputs, self.outputs[:-1], (CROPS,))
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
        landmarks, scores, maps = EMPTY_LANDMARKS, EMPTY_SCORES, EMPTY_MAPS
        if sum(counts):
            crops = np.concatenate([faces.crops for faces in found])  # [F, 1, 96, 96]
            turns = np.repeat([faces.turn for faces in found], counts).astype(np.int8)  # [F]
            located = await self.call_predictor(crops, model, payload)
            if self.settings.any_way_up:
                await self.turn_doubtful(crops, turns, located, model, payload)
            squares = [square for faces in found for square in faces.squares]
            landmarks = to_picture(turn_points_back(located.landmarks, turns), squares)
            scores = located.scores
            if CROPS.name in names:
                maps = turn_maps(np.stack([map_to_crop(square) for square in squares]), turns)
            timings |= located.timings
        timings["predict"] = time.perf_counter() - begun  # the predictor's stages and the way
        metrics.observe_stages(self.service, timings)
        metrics.FACES.labels(self.service).inc(sum(counts))
        arrays = {
            LANDMARKS.name: landmarks,
            SCORES.name: scores,
            BOXES.name: np.concatenate([faces.boxes for faces in found]),
            BOX_SCORES.name: np.concatenate([faces.scores for faces in found]),
            FACE_SCORES.name: score_faces(scores),
            CROPS.name: maps,
            IMAGE_INDEX.name: np.repeat(np.arange(len(found), dtype=np.int32), counts),
        }
        return InferenceResponse(pick_outputs(names, arrays), timings, len(pictures))

    async def turn_doubtful(
        self,
        crops: np.ndarray,
        turns: np.ndarray,
        located: Located,
        model: str,
        request: InferenceRequest,
    ) -> None:
        """Show doubtful faces to the predictor turned, and put what is better into `located`.

        `turns` `[F]` are what the crops were turned by, and will have been.
        """
        doubtful = find_doubtful(located.scores)
        if not len(doubtful):
            return
        shown = crops[doubtful]  # [D, 1, 96, 96]
        more = [turn_crops(shown, np.full(len(shown), turn, np.int8)) for turn in TURNS]
        seen = await self.call_predictor(np.concatenate(more), model, request)
        points, scores = (
            a.reshape(3, len(shown), *a.shape[1:]) for a in (seen.landmarks, seen.scores)
        )
        # What came over the wire may not be written to.
        located.landmarks, located.scores = located.landmarks.copy(), located.scores.copy()
        chosen = choose_turns(located.scores[doubtful], scores)  # [D]
        for face, turn, column in zip(doubtful, chosen, range(len(shown)), strict=True):
            if turn:
                located.landmarks[face] = points[turn - 1, column]
                located.scores[face] = scores[turn - 1, column]
                turns[face] = (turns[face] + turn) % 4

    async def locate_faces(self, request: InferenceRequest) -> InferenceResponse:
        """Pass given faces on: landmarks in pixels of the face, and nothing to detect."""
        names = choose_outputs(request.outputs, (LANDMARKS, SCORES), (FACE_SCORES,))
        model = read_model(request, self.name)
        faces = read_faces(request, self.settings.max_faces)
        tracing.tracer.describe(faces=len(faces))
        begun = time.perf_counter()
        located = await self.call_predictor(faces, model, request)
        timings = located.timings | {"predict": time.perf_counter() - begun}
        metrics.observe_stages(self.service, timings)
        arrays = {
            LANDMARKS.name: located.landmarks,
            SCORES.name: located.scores,
            FACE_SCORES.name: score_faces(located.scores),
        }
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
EMPTY_MAPS = np.empty((0, 2, 3), np.float32)
EMPTY_SCORES = np.empty((0, POINTS), np.float32)


def sum_timings(found: list[Faces]) -> dict[str, float]:
    """Add up what the pictures of a request took, stage by stage."""
    total: Counter[str] = Counter()
    for faces in found:
        total.update(faces.timings)
    return dict(total)
