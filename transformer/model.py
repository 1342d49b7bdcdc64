"""The transformer's KServe model: pictures in, the landmarks of their faces out."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.contract import (
    BOX_IMAGE_INDEX,
    BOX_SCORES,
    BOXES,
    CROPS,
    FACE,
    FACE_SCORES,
    HEATMAPS,
    IMAGE,
    IMAGE_INDEX,
    LANDMARKS,
    OWN_BOXES,
    SCORES,
)
from serving.errors import ServingError
from serving.landmarks import LandmarkSet
from serving.messages import Call, InferenceRequest, InferenceResponse, resolve_outputs
from serving.model import Model, select_outputs
from serving.telemetry import metrics, tracing
from serving.telemetry.logs import logger
from serving.telemetry.stages import Stage, Timings, add_timings
from transformer.backend import FaceLandmarks, PredictorBackend, check_forward
from transformer.boxes import read_boxes
from transformer.choices import read_choices
from transformer.crop import map_to_crop, to_picture
from transformer.drawing import draw_answer
from transformer.extras import EXTRAS, Extras
from transformer.faces import DetectedFaces, FaceFinder, find_borne_out, keep_best
from transformer.inputs import read_faces, read_model, read_pictures
from transformer.looks import Look, join_maps, stack_crops, stack_turns, turn_back
from transformer.pool import WorkerPool
from transformer.second_look import look_again
from transformer.settings import TransformerSettings
from transformer.trust import score_faces


class Transformer(Model):
    """Chains the detector and the landmark model."""

    service = "transformer"
    inputs = (IMAGE, FACE, OWN_BOXES, BOX_IMAGE_INDEX)
    draws = True
    usual = (LANDMARKS, SCORES, BOXES, BOX_SCORES, IMAGE_INDEX, FACE_SCORES)
    asked = (CROPS, HEATMAPS, *EXTRAS)
    outputs = (*usual, *asked)
    settings: TransformerSettings

    def __init__(self, name: str, settings: TransformerSettings, backend: PredictorBackend):
        super().__init__(name, settings)
        self.backend = backend
        self.page = settings.page
        self.asking: asyncio.Task[str] | None = None  # whether the predictor is ready

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
                "predictor": self.backend.address,
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
        if self.backend.local or self.landmarks is None:
            return not await self.ask_predictor() and self.landmarks is not None
        if self.asking is None or self.asking.done():
            self.asking = asyncio.create_task(self.ask_predictor())
        return True

    async def ask_predictor(self) -> str:
        """Ask for the landmark set, and return why the predictor is not ready, which is counted."""
        problem = await self.backend.check_ready(self.name)
        metrics.PREDICTOR_READY.set(not problem)
        if not problem:  # without a landmark set it can't be cropped for
            await self.refresh()
            problem = "" if self.landmarks else "The predictor publishes no landmark set."
        if problem not in ("", self.problem):
            logger.warning("not ready", extra={"reason": problem})
        self.problem = problem
        return problem

    async def refresh(self) -> None:
        """Refresh the default model's landmark set; keep the old one without an answer."""
        with contextlib.suppress(ServingError):
            network = await self.backend.refresh_network(self.name, time.monotonic() + 1)
            self.landmarks = network.landmarks

    async def predict(self, request: InferenceRequest, call: Call) -> InferenceResponse:
        """Return each face's landmarks in pixels of its picture, or of the given face."""
        check_forward(call.forward)  # what can't go on is refused at once
        if FACE.name in request.inputs:
            return await self.locate_faces(request, call)
        names = resolve_outputs(request.outputs, self.usual, self.asked)
        model = read_model(request, self.name)
        choices = read_choices(request.parameters, self.settings)
        pictures = read_pictures(request, self.settings.max_images, call.picture)
        own = read_boxes(request, len(pictures), self.settings.max_picture_faces)
        known = (await self.backend.learn_network(model, call.deadline)).landmarks
        extras = Extras.read(names, request.parameters, known)
        timings: Timings = {}
        if own is None:
            work = partial(self.finder.detect_faces, landmarks=known, choices=choices)
            found = await self.find_faces(work, pictures, timings)
        else:
            work = partial(self.finder.crop_boxes, landmarks=known)
            found = await self.find_faces(work, own.share_out(pictures), timings)
        begun = time.perf_counter()
        arrays = {
            BOXES.name: np.concatenate([faces.boxes for faces in found]),
            BOX_SCORES.name: np.concatenate([faces.scores for faces in found]),
            IMAGE_INDEX.name: np.repeat(
                np.arange(len(found), dtype=np.int32), [len(faces.scores) for faces in found]
            ),
        }
        located, theirs = await self.locate_crops(found, known, names, model, call)
        arrays |= located | await extras.measure(found, located[LANDMARKS.name])
        kept = own.restore() if own else find_borne_out(found, arrays[FACE_SCORES.name], known.low)
        if own or not kept.all():
            arrays = {name: array[kept] for name, array in arrays.items() if len(array)}
        timings |= theirs | {Stage.PREDICT: time.perf_counter() - begun}
        response = InferenceResponse({}, timings, len(pictures), known.digest)
        if left_out := sum(faces.left_out for faces in found):
            response.parameters["more_faces"] = left_out
        aligned, spent = await extras.align(self.pool, self.finder, pictures, arrays, call)
        arrays |= aligned
        add_timings(timings, spent)
        if call.picture:
            open_picture = partial(self.finder.open, pictures[0])
            response.picture, drawn = await draw_answer(self.pool, call, open_picture, arrays)
            timings |= drawn
        metrics.observe_stages(self.service, timings)
        metrics.FACES.labels(self.service).inc(len(arrays[BOXES.name]))
        response.outputs = select_outputs(names, arrays)
        return response

    async def find_faces(
        self, work: Callable[[Any], DetectedFaces], pictures: list, timings: Timings
    ) -> list[DetectedFaces]:
        """Find or take, and crop, the faces of each picture, in the workers.

        Raises InvalidImage or TooLarge, of several pictures with the number of the bad one.
        """
        begun = time.perf_counter()
        found = await self.pool.run_all(work, pictures, timings)
        for faces in found:
            add_timings(timings, faces.timings)
        timings[Stage.FACES] = time.perf_counter() - begun
        keep_best(found, self.settings.max_picture_faces)
        count = sum(len(faces.scores) for faces in found)
        tracing.describe_request(pictures=len(pictures), faces=count)
        return found

    async def locate_crops(
        self,
        found: list[DetectedFaces],
        known: LandmarkSet,
        names: tuple[str, ...],
        model: str,
        call: Call,
    ) -> tuple[dict[str, NDArray], Timings]:
        """Find the landmarks of cropped faces: outputs by name, and seconds of the predictor."""
        predict = partial(self.backend.predict, model=model, call=call)
        located, looks = FaceLandmarks.of_no_face(known), []
        points, maps = located.landmarks, np.empty((0, 2, 3), np.float32)
        for faces in found:
            looks += [
                Look.first(crop, int(turn))
                for crop, turn in zip(faces.crops, faces.turns, strict=True)
            ]
        if looks:
            located = await predict(stack_crops(looks))
            if self.settings.any_way_up:
                await look_again(looks, located, known, predict)
            if HEATMAPS.name in names:  # of the crops as they were looked at last
                height, width = known.map_size
                call.claim(4 * len(looks) * len(known) * height * width)
                again = await predict(stack_crops(looks), heatmaps=True)
                located.heatmaps = again.heatmaps
            squares = [square for faces in found for square in faces.squares]
            turns = stack_turns(looks)  # [F, 2, 3]
            points = to_picture(turn_back(located.landmarks, turns), squares, known.side)
            if CROPS.name in names:
                to_crops = np.stack([map_to_crop(square, known.side) for square in squares])
                maps = join_maps(turns, to_crops)
        arrays = {
            LANDMARKS.name: points,
            SCORES.name: located.scores,
            FACE_SCORES.name: score_faces(located.scores),
            CROPS.name: maps,
            HEATMAPS.name: located.heatmaps,
        }
        return arrays, located.timings

    async def locate_faces(self, request: InferenceRequest, call: Call) -> InferenceResponse:
        """Pass given faces on: landmarks in pixels of the face, and nothing to detect."""
        names = resolve_outputs(request.outputs, (LANDMARKS, SCORES), (FACE_SCORES,))
        model = read_model(request, self.name)
        faces = read_faces(request, self.settings.max_picture_faces, call.picture)
        tracing.describe_request(faces=len(faces))
        begun = time.perf_counter()
        located = await self.backend.predict(faces, model, call)
        timings = located.timings | {Stage.PREDICT: time.perf_counter() - begun}
        metrics.observe_stages(self.service, timings)
        arrays = {
            LANDMARKS.name: located.landmarks,
            SCORES.name: located.scores,
            FACE_SCORES.name: score_faces(located.scores),
        }
        return InferenceResponse(select_outputs(names, arrays), timings, len(faces), located.digest)

    async def close(self) -> None:
        await self.backend.close()
        await self.pool.close()
