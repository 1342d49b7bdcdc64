"""The predictor's KServe model: faces in, landmarks out."""

import contextlib
from concurrent.futures import Executor

from predictor.batcher import Batcher
from predictor.engines.base import Engine, FaceArray
from predictor.landmarks import DEFAULT
from predictor.resize import resize_faces, scale_points
from predictor.settings import PredictorSettings
from serving.aside import run_aside
from serving.contract import FACE, HEATMAPS, LANDMARKS, SCORES
from serving.errors import InvalidTensor, TooLarge
from serving.faces import ACCEPTED_FACE, check_faces, check_values
from serving.landmarks import LandmarkSet
from serving.messages import (
    Call,
    InferenceRequest,
    InferenceResponse,
    check_parameters,
    resolve_outputs,
)
from serving.model import VERSION, Model, select_outputs
from serving.telemetry import metrics, tracing
from serving.telemetry.stages import Stage, Timings, measure_stage

OUTPUT_NAMES = (LANDMARKS.name, SCORES.name, HEATMAPS.name)
OFFLOAD_VALUES = 2**18  # values above which faces are made ready in a thread, not on the event loop


class Predictor(Model):
    """Serves one network whose engines are loaded, warmed up and checked."""

    service = "predictor"
    inputs = (FACE,)
    outputs = (LANDMARKS, SCORES, HEATMAPS)
    settings: PredictorSettings

    def __init__(
        self,
        name: str,
        settings: PredictorSettings,
        engine: Engine,
        threads: Executor,
        version: str = VERSION,
    ):
        super().__init__(name, settings, version)
        self.max_batch_size = settings.max_faces
        self.engine_name = engine.name
        self.landmarks = engine.landmarks
        self.size, self.channels = engine.size, engine.channels
        self.digest = self.landmarks.digest
        self.heatmap_bytes = count_heatmap_bytes(self.landmarks)
        self.max_heatmap_faces = count_heatmaps(self.landmarks, settings.max_heatmap_faces)
        self.batcher = Batcher(engine, threads, settings.max_queued_faces, settings.max_batch)
        self.ready = True

    async def predict(self, request: InferenceRequest, call: Call) -> InferenceResponse:
        """Find the landmarks of the request's faces, in pixels of the given faces."""
        names = resolve_outputs(request.outputs, (LANDMARKS, SCORES), (HEATMAPS,))
        check_parameters(request.parameters, ())
        heatmaps = HEATMAPS.name in names
        timings: Timings = {}
        with measure_stage(timings, Stage.RESIZE):
            given = read_request_faces(request, self.settings.max_faces)  # [N, H, W, C]
            tracing.describe_request(faces=len(given))
            if heatmaps and not self.heatmap_bytes:
                raise InvalidTensor("This network gives coordinates; it has no 'heatmaps'.")
            if heatmaps and len(given) > self.max_heatmap_faces:
                asked = f"Heatmaps of {len(given)} faces are asked for"
                raise TooLarge(f"{asked}; {self.max_heatmap_faces} go into one answer.")
            if heatmaps:
                call.claim(len(given) * self.heatmap_bytes)
            if given.size > OFFLOAD_VALUES:
                faces = await run_aside(prepare_faces, given, self.size, self.channels)
            else:
                faces = prepare_faces(given, self.size, self.channels)  # [N, C, H, W]
        arrays, more = await self.batcher.submit(faces, call.deadline, heatmaps)
        timings |= more
        landmarks, *others = arrays
        arrays = (scale_points(landmarks, self.size, *given.shape[1:3]), *others)
        metrics.observe_stages(self.service, timings)
        metrics.FACES.labels(self.service).inc(len(faces))
        outputs = select_outputs(names, dict(zip(OUTPUT_NAMES, arrays, strict=False)))
        return InferenceResponse(outputs, timings, len(faces), self.digest)

    def count_executions(self) -> int:
        return self.batcher.runs

    async def close(self) -> None:
        with contextlib.suppress(KeyError):  # it was loaded anew by another engine meanwhile
            metrics.ENGINE.remove(self.name, self.version, self.engine_name)
        await self.batcher.close()


def count_heatmap_bytes(landmarks: LandmarkSet) -> int:
    """Return the bytes of one face's heatmaps, 0 for a network of coordinates."""
    height, width = landmarks.map_size
    return 4 * len(landmarks) * height * width


def count_heatmaps(landmarks: LandmarkSet, faces: int) -> int:
    """Return how many faces' heatmaps take no more bytes than so many of the default set's."""
    return max(1, faces * count_heatmap_bytes(DEFAULT) // max(1, count_heatmap_bytes(landmarks)))


def read_request_faces(request: InferenceRequest, max_faces: int):
    """Return a request's only input as `[N,H,W,C]`; raises InvalidTensor or TooLarge."""
    for name in request.inputs:
        if name != FACE.name:
            raise InvalidTensor(f"There is no input '{name[:100]}'; accepted is {ACCEPTED_FACE}.")
    tensor = request.inputs.get(FACE.name)
    if tensor is None:
        raise InvalidTensor(f"The input 'face' is missing: {ACCEPTED_FACE}.")
    return check_faces(tensor, max_faces)


def prepare_faces(given, size: tuple[int, int], channels: int) -> FaceArray:
    """Make faces `[N,H,W,C]` what engines take, uncopied if they are so; raises InvalidTensor."""
    check_values(given)
    return resize_faces(given, size, channels)
