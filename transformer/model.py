"""The transformer's KServe model: pictures in, the landmarks of their faces out."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from serving import contract as spec
from serving.errors import ServingError
from serving.faces import score_faces
from serving.messages import Call, InferenceRequest, InferenceResponse, resolve_outputs
from serving.model import Model, select_outputs
from serving.telemetry import metrics, tracing
from serving.telemetry.logs import logger
from serving.telemetry.stages import Stage, Timings, add_timings
from transformer.backends.base import PredictorBackend, check_forward
from transformer.events import EventSender, observe_faces
from transformer.faces import DetectedFaces, FaceFinder, keep_best
from transformer.follow import Placed, crop_placed, follow_faces, read_previous
from transformer.inputs.boxes import read_boxes
from transformer.inputs.choices import check_used, read_choices
from transformer.inputs.tensors import read_faces, read_model, read_pictures
from transformer.locate import Locator, select_faces
from transformer.outputs.extras import EXTRAS, Extras
from transformer.pictures.drawing import draw_answer
from transformer.pool import WorkerPool
from transformer.settings import TransformerSettings


class Transformer(Model):
    """Chains the detector and the landmark model."""

    service = "transformer"
    inputs = (spec.IMAGE, spec.FACE, spec.OWN_BOXES, spec.BOX_IMAGE_INDEX, spec.PREVIOUS)
    draws = True
    points = (spec.LANDMARKS, spec.SCORES)
    usual = (*points, spec.BOXES, spec.BOX_SCORES, spec.IMAGE_INDEX, spec.FACE_SCORES)
    asked = (spec.CROPS, spec.HEATMAPS, *EXTRAS)
    outputs = (*usual, *asked, spec.FACE_IDS)
    settings: TransformerSettings
    events: EventSender | None = None

    def __init__(self, name: str, settings: TransformerSettings, backend: PredictorBackend):
        super().__init__(name, settings)
        self.backend = backend
        self.page = settings.page
        self.asking: asyncio.Task[str] | None = None  # whether the predictor is ready

    def load(self) -> bool:
        """Load the detector and start the workers; raises DetectorError with one sentence."""
        self.finder = FaceFinder(self.settings)
        self.pool = WorkerPool(self.settings.workers, self.settings.max_pictures)
        self.backend.expect = self.pool.expect
        if sink := self.settings.events_sink:
            self.events = EventSender(sink, self.settings.events_share, f"/landmarks/{self.name}")
        detector = self.finder.first
        told = {"detector": detector.name, "runtime": detector.runtime}
        told["precision"] = detector.precision
        metrics.DETECTOR.labels(*told.values()).set(1)
        logger.info("loaded", extra=told | {"predictor": self.backend.address})
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
        if spec.FACE.name in request.inputs:
            return await self.locate_faces(request, call)
        ids = (spec.FACE_IDS,) if spec.PREVIOUS.name in request.inputs else ()
        names = resolve_outputs(request.outputs, self.usual, (*self.asked, *ids))
        check_used(request, names)
        model = read_model(request, self.name)
        choices = read_choices(request.parameters, self.settings)
        pictures = read_pictures(request, self.settings.max_images, call.picture)
        own = read_boxes(request, len(pictures), self.settings.max_picture_faces)
        known = (await self.backend.learn_network(model, call.deadline)).landmarks
        extras = Extras.read(names, request.parameters, known)
        previous = read_previous(request, known, self.settings.max_picture_faces)
        predict = partial(self.backend.predict, model=model, call=call)
        locator = Locator(known, extras, predict, call.claim, self.settings.any_way_up)
        timings = locator.timings
        detect = partial(self.finder.detect_faces, landmarks=known, choices=choices)
        find = partial(self.find_faces, detect, pictures, timings)
        left_out = 0
        if own is not None:
            work = partial(self.finder.crop_boxes, landmarks=known)
            found = await self.find_faces(work, own.share_out(pictures), timings)
            arrays = select_faces(await locator.locate(found), own.restore())
        elif previous is not None:

            def crop(placed: Placed) -> Awaitable[list[DetectedFaces]]:
                work = partial(crop_placed, placed=placed, landmarks=known, finder=self.finder)
                return self.find_faces(work, pictures, timings)

            arrays, left_out = await follow_faces(previous, crop, find, locator, choices)
            names = names if request.outputs else (*names, spec.FACE_IDS.name)
        else:
            found = await find()
            arrays = await locator.locate(found)
            left_out = sum(faces.left_out for faces in found)
        response = InferenceResponse({}, timings, len(pictures), known.digest)
        if left_out:
            response.parameters["more_faces"] = left_out
        arrays |= await extras.align(self.pool, self.finder, pictures, arrays, call, timings)
        if call.picture:
            open_picture = partial(self.finder.open, pictures[0])
            response.picture, drawn = await draw_answer(self.pool, call, open_picture, arrays)
            timings |= drawn
        metrics.observe_stages(self.service, timings)
        metrics.FACES.labels(self.service).inc(len(arrays[spec.BOXES.name]))
        observe_faces(arrays)
        if self.events is not None:
            self.events.offer(arrays, model, known.digest, len(pictures))
        response.outputs = select_outputs(names, arrays)
        return response

    async def find_faces(
        self, work: Callable[[Any], DetectedFaces], pictures: list, timings: Timings
    ) -> list[DetectedFaces]:
        """Find or take, and crop, pictures' faces; raises InvalidImage, TooLarge with a number."""
        begun = time.perf_counter()
        found = await self.pool.run_all(work, pictures, timings)
        for faces in found:
            add_timings(timings, faces.timings)
        add_timings(timings, {Stage.FACES: time.perf_counter() - begun})
        keep_best(found, self.settings.max_picture_faces)
        count = sum(len(faces.scores) for faces in found)
        tracing.describe_request(pictures=len(pictures), faces=count)
        return found

    async def locate_faces(self, request: InferenceRequest, call: Call) -> InferenceResponse:
        """Pass given faces on: landmarks in pixels of the face, and nothing to detect."""
        names = resolve_outputs(request.outputs, self.points, (spec.FACE_SCORES,))
        check_used(request, names)
        model = read_model(request, self.name)
        faces = read_faces(request, self.settings.max_picture_faces, call.picture)
        tracing.describe_request(faces=len(faces))
        begun = time.perf_counter()
        located = await self.backend.predict(faces, model, call)
        timings = located.timings | {Stage.PREDICT: time.perf_counter() - begun}
        metrics.observe_stages(self.service, timings)
        arrays = {spec.LANDMARKS.name: located.landmarks, spec.SCORES.name: located.scores}
        arrays[spec.FACE_SCORES.name] = score_faces(located.scores)
        return InferenceResponse(select_outputs(names, arrays), timings, len(faces), located.digest)

    async def close(self) -> None:
        if self.events is not None:
            await asyncio.to_thread(self.events.close)
        await self.backend.close()
        await self.pool.close()
