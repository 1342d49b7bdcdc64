"""The transformer's KServe model: pictures in, the landmarks of their faces out."""

import asyncio
import contextlib
import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.contract import (
    BOX_SCORES,
    BOXES,
    CROPS,
    FACE,
    FACE_SCORES,
    HEATMAPS,
    IMAGE,
    IMAGE_INDEX,
    LANDMARKS,
    SCORES,
)
from serving.errors import ModelNotFound, ServingError, TooLarge
from serving.landmarks import LandmarkSet
from serving.messages import InferenceRequest, InferenceResponse, resolve_outputs
from serving.model import Model, select_outputs
from serving.telemetry import metrics, tracing
from serving.telemetry.logs import logger
from serving.telemetry.stages import Stage, Timings, add_timings
from transformer.client import Client, FaceLandmarks, check_forward
from transformer.crop import map_to_crop, to_picture
from transformer.drawing import draw_answer
from transformer.faces import FaceFinder, find_numbered
from transformer.inputs import read_faces, read_model, read_pictures
from transformer.looks import Look, join_maps, stack_crops, stack_turns, turn_back
from transformer.pool import WorkerPool
from transformer.second_look import look_again
from transformer.settings import TransformerSettings
from transformer.trust import score_faces


class Transformer(Model):
    """Chains the detector and the landmark model."""

    service = "transformer"
    inputs = (IMAGE, FACE)
    draws = True
    outputs = (LANDMARKS, SCORES, BOXES, BOX_SCORES, IMAGE_INDEX, FACE_SCORES, CROPS, HEATMAPS)
    settings: TransformerSettings

    def __init__(self, name: str, settings: TransformerSettings, client: Client):
        super().__init__(name, settings)
        self.client = client
        self.page = settings.page
        self.sets: dict[str, LandmarkSet] = {}  # of the predictor's models that were asked
        self.asking: asyncio.Task[bool] | None = None  # whether the predictor is ready

    def load(self) -> bool:
        """Load the detector and start the workers; raises DetectorError with one sentence."""
        self.finder = FaceFinder(self.settings)
        self.pool = WorkerPool(self.settings.workers, self.settings.max_pictures)
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
        """Check whether requests can be taken: the detector is loaded, the landmark set is known.

        Whether the predictor is ready now is a metric. A question to it waits behind its
        requests, and a busy one must not take every transformer out of service.
        """
        ready = await super().check_ready()
        if not (ready and self.settings.ready_needs_predictor):
            return ready
        if self.client.local or self.landmarks is None:
            return await self.ask_predictor() and self.landmarks is not None
        if self.asking is None or self.asking.done():
            self.asking = asyncio.create_task(self.ask_predictor())
        return True

    async def ask_predictor(self) -> bool:
        """Ask whether the predictor is ready and for its landmark set, and count the answer."""
        there = await self.client.check_ready(self.name)
        metrics.PREDICTOR_READY.set(there)
        if there:
            await self.refresh()
        return there

    async def refresh(self) -> None:
        """Ask for the set of the model that is asked by default; keep it where none answers."""
        with contextlib.suppress(ServingError):
            await self.learn_set(self.name, time.monotonic() + 1)

    async def learn_set(self, model: str, deadline: float) -> LandmarkSet:
        """Ask the predictor for a model's landmark set, and keep it."""
        try:
            found = await self.client.fetch_landmarks(model, deadline)
        except ModelNotFound:
            self.sets.pop(model, None)
            raise
        self.sets[model] = found
        if model == self.name:
            self.landmarks = found
        return found

    async def predict(self, payload: InferenceRequest, headers: Any = None) -> InferenceResponse:
        """Answer with each face's landmarks in pixels of its picture, or of the given face."""
        check_forward(payload.forward)  # what can't go on is refused at once
        if FACE.name in payload.inputs:
            return await self.locate_faces(payload)
        names = resolve_outputs(payload.outputs, self.outputs[:-2], (CROPS, HEATMAPS))
        model = read_model(payload, self.name)
        pictures = read_pictures(payload, self.settings.max_images)
        assert payload.deadline is not None
        missing: ModelNotFound | None = None
        try:
            known = self.sets.get(model) or await self.learn_set(model, payload.deadline)
        except ModelNotFound as error:
            if self.landmarks is None:
                raise
            # The call itself shall be refused, where the predictor's log and the trace show it.
            missing, known = error, self.landmarks
        arrays, answer = await self.locate_pictures(payload, pictures, model, known)
        if missing and not len(arrays[BOXES.name]):
            raise missing
        if answer.landmarks != known.digest:  # the predictor has been replaced meanwhile
            fresh = await self.learn_set(model, payload.deadline)
            if (fresh.side, fresh.crop_scale) != (known.side, known.crop_scale):
                arrays, answer = await self.locate_pictures(payload, pictures, model, fresh)
        if payload.picture:
            look = partial(self.finder.open, pictures[0])
            answer.picture, drawn = await draw_answer(self.pool, payload, look, arrays)
            answer.timings |= drawn
        metrics.observe_stages(self.service, answer.timings)
        metrics.FACES.labels(self.service).inc(len(arrays[BOXES.name]))
        answer.outputs = select_outputs(names, arrays)
        return answer

    async def locate_pictures(
        self, payload: InferenceRequest, pictures: list, model: str, known: LandmarkSet
    ) -> tuple[dict[str, NDArray], InferenceResponse]:
        """Find the faces of pictures, cropped for a landmark set, and their landmarks."""
        begun, timings = time.perf_counter(), Timings()
        detect_faces = partial(self.finder.detect_faces, landmarks=known)
        if len(pictures) == 1:
            found = await self.pool.run_all(detect_faces, pictures, timings)
        else:
            find = partial(find_numbered, detect_faces)
            found = await self.pool.run_all(find, list(enumerate(pictures)), timings)
        for faces in found:
            add_timings(timings, faces.timings)
        timings[Stage.FACES] = time.perf_counter() - begun
        counts = [len(faces.scores) for faces in found]
        tracing.describe_request(pictures=len(pictures), faces=sum(counts))
        if sum(counts) > self.settings.max_picture_faces:
            most = self.settings.max_picture_faces
            raise TooLarge(f"There are {sum(counts)} faces; {most} go into one request.")
        begun = time.perf_counter()
        landmarks, maps = np.empty((0, len(known), 2), np.float32), np.empty((0, 2, 3), np.float32)
        scores, digest = np.empty((0, len(known)), np.float32), known.digest
        heatmaps = np.empty((0, len(known), known.side, known.side), np.float32)
        if sum(counts):
            looks = [Look.first(crop, faces.turn) for faces in found for crop in faces.crops]
            predict = partial(self.call_predictor, model=model, request=payload)
            located = await predict(stack_crops(looks))
            if self.settings.any_way_up:
                await look_again(looks, located, known, predict)
            if HEATMAPS.name in payload.outputs:  # of the crops as they were looked at last
                payload.claim(4 * len(looks) * len(known) * known.side**2)
                heatmaps = (await predict(stack_crops(looks), heatmaps=True)).heatmaps
            squares = [square for faces in found for square in faces.squares]
            turns = stack_turns(looks)  # [F, 2, 3]
            landmarks = to_picture(turn_back(located.landmarks, turns), squares, known.side)
            scores, digest = located.scores, located.digest or digest
            if CROPS.name in payload.outputs:
                to_crops = np.stack([map_to_crop(square, known.side) for square in squares])
                maps = join_maps(turns, to_crops)
            timings |= located.timings
        timings[Stage.PREDICT] = time.perf_counter() - begun
        arrays = {
            LANDMARKS.name: landmarks,
            SCORES.name: scores,
            BOXES.name: np.concatenate([faces.boxes for faces in found]),
            BOX_SCORES.name: np.concatenate([faces.scores for faces in found]),
            FACE_SCORES.name: score_faces(scores),
            CROPS.name: maps,
            HEATMAPS.name: heatmaps,
            IMAGE_INDEX.name: np.repeat(np.arange(len(found), dtype=np.int32), counts),
        }
        return arrays, InferenceResponse({}, timings, len(pictures), digest)

    async def locate_faces(self, request: InferenceRequest) -> InferenceResponse:
        """Pass given faces on: landmarks in pixels of the face, and nothing to detect."""
        names = resolve_outputs(request.outputs, (LANDMARKS, SCORES), (FACE_SCORES,))
        model = read_model(request, self.name)
        faces = read_faces(request, self.settings.max_picture_faces)
        tracing.describe_request(faces=len(faces))
        begun = time.perf_counter()
        located = await self.call_predictor(faces, model, request)
        timings = located.timings | {Stage.PREDICT: time.perf_counter() - begun}
        metrics.observe_stages(self.service, timings)
        arrays = {
            LANDMARKS.name: located.landmarks,
            SCORES.name: located.scores,
            FACE_SCORES.name: score_faces(located.scores),
        }
        return InferenceResponse(select_outputs(names, arrays), timings, len(faces), located.digest)

    async def call_predictor(
        self, faces: np.ndarray, model: str, request: InferenceRequest, heatmaps: bool = False
    ) -> FaceLandmarks:
        assert request.deadline is not None
        return await self.client.predict(faces, model, request.forward, request.deadline, heatmaps)

    async def close(self) -> None:
        await self.client.close()
        await self.pool.close()
