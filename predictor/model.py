"""The predictor's KServe model: faces in, landmarks out."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from predictor.batcher import Batcher
from predictor.engines import load_engine
from predictor.engines.base import Faces
from predictor.golden import check_engine
from predictor.settings import PredictorSettings
from serving import metrics
from serving.contract import FACE, FACE_SIDE, HEATMAPS, LANDMARKS, SCORES
from serving.errors import InvalidTensor, TooLarge
from serving.logs import logger
from serving.messages import InferenceRequest, InferenceResponse, choose_outputs
from serving.model import Model, pick_outputs

NAMES = (LANDMARKS.name, SCORES.name, HEATMAPS.name)


class Predictor(Model):
    """Serves one network; ready once its answer to the golden face is right."""

    service = "predictor"
    inputs = (FACE,)
    outputs = (LANDMARKS, SCORES, HEATMAPS)
    settings: PredictorSettings

    def load(self) -> bool:
        """Load the engine, warm it up and check it.

        Raises EngineError, CheckpointError or GoldenError, each with one sentence.
        """
        begun = time.perf_counter()
        settings = self.settings
        engine = load_engine(settings.engine, settings.model, settings.artefact, settings.threads)
        distance = check_engine(engine, Path(settings.model), settings.golden_pixels)
        self.batcher = Batcher(engine, settings.max_batch, settings.max_queued_faces)
        metrics.ENGINE.labels(engine.name, str(settings.model)).set(1)
        logger.info(
            "loaded",
            extra={
                "engine": engine.name,
                "max_batch": self.batcher.max_batch,
                "golden_distance": distance,  # null: no golden answer to compare with
                "seconds": round(time.perf_counter() - begun, 3),
            },
        )
        self.ready = True
        return self.ready

    async def predict(self, payload: InferenceRequest, headers: Any = None) -> InferenceResponse:
        """Find the landmarks of the request's faces, in pixels of the 96x96 face."""
        names = choose_outputs(payload.outputs, (LANDMARKS, SCORES), (HEATMAPS,))
        faces = read_faces(payload, self.settings.max_faces)
        assert payload.deadline is not None
        arrays, timings = await self.batcher.locate(
            faces, payload.deadline, heatmaps=HEATMAPS.name in names
        )
        metrics.observe_stages(self.service, timings)
        metrics.FACES.labels(self.service).inc(len(faces))
        return InferenceResponse(
            pick_outputs(names, dict(zip(NAMES, arrays, strict=False))), timings
        )

    async def close(self) -> None:
        await self.batcher.close()


def read_faces(request: InferenceRequest, max_faces: int) -> Faces:
    """Take the faces `[N,1,96,96]` out of a request: UINT8 0..255 or FP32 0..1.

    Raises InvalidTensor or TooLarge with what is accepted.
    """
    accepted = f"UINT8 (0..255) or FP32 (0..1) of shape [N,1,{FACE_SIDE},{FACE_SIDE}]"
    for name in request.inputs:
        if name != FACE.name:
            raise InvalidTensor(f"There is no input '{name}'; 'face' is, {accepted}.")
    tensor = request.inputs.get(FACE.name)
    if tensor is None:
        raise InvalidTensor(f"The input 'face' is missing: {accepted}.")
    array = tensor.array
    if tensor.datatype not in FACE.datatypes or array.shape[1:] != FACE.shape[1:]:
        raise InvalidTensor(
            f"'face' is {tensor.datatype} {list(array.shape)}, but takes {accepted}."
        )
    if not 1 <= len(array) <= max_faces:
        kind = InvalidTensor if len(array) == 0 else TooLarge
        raise kind(f"'face' has {len(array)} faces; 1 to {max_faces} go into one request.")
    if array.dtype == np.float32 and not (array.min() >= 0 and array.max() <= 1):
        raise InvalidTensor("'face' of FP32 has values outside 0..1, or NaN.")
    return array
