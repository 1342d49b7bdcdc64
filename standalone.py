"""Transformer and predictor in one process: python -m standalone [--http_port 8080]."""

import time

from numpy.typing import NDArray
from pydantic import Field

from predictor.loader import ModelStore
from predictor.settings import PredictorSettings
from serving.contract import FACE
from serving.errors import ModelNotFound, name_code
from serving.messages import DATATYPES, Call, InferenceRequest, Tensor
from serving.repository import Repository, close_all
from serving.server import parse_arguments, run_server
from serving.settings import read_settings
from serving.telemetry import metrics
from serving.telemetry.logs import configure_logs
from transformer.backends.base import WITH_HEATMAPS, FaceLandmarks, Network, PredictorBackend
from transformer.model import Transformer
from transformer.settings import TransformerSettings


class StandaloneSettings(PredictorSettings, TransformerSettings):
    """What the predictor reads and what the transformer reads; `predictor` has no use here."""

    # Its older name, LANDMARKS_MAX_FACES, is the predictor's limit here, and that alone.
    max_picture_faces: int = Field(1024, ge=1, le=2**20)
    """Faces in one request, those found in all its pictures counted."""


class LocalBackend(PredictorBackend):
    """Calls models as the predictor's gRPC method would, with its admission and its counts."""

    address = "in this process"
    local = True

    def __init__(self, models: Repository):
        super().__init__()
        self.models = models

    async def infer(self, faces: NDArray, model: str, call: Call, heatmaps: bool) -> FaceLandmarks:
        tensor = Tensor(FACE.name, DATATYPES[faces.dtype], faces)
        outputs = WITH_HEATMAPS if heatmaps else ()
        request = InferenceRequest(model, {FACE.name: tensor}, outputs=outputs)
        begun, name, code = time.perf_counter(), "", "ok"
        try:
            with self.models.admission.enter():
                found = self.models.find(model)
                name = found.name
                # Bytes are counted once, by who called the transformer.
                response = await found.infer(request, Call(call.deadline, call.forward))
        except BaseException as error:
            code = name_code(error)
            raise
        finally:
            seconds = time.perf_counter() - begun
            metrics.count_request(self.models.service, name, code, seconds)
        return FaceLandmarks.from_outputs(response.outputs, response.timings, response.landmarks)

    async def fetch_network(self, model: str, deadline: float) -> Network:
        found = self.models.find(model)
        assert found.landmarks is not None  # a predictor has a set from its start
        return Network(found.landmarks, found.max_batch_size, found.landmarks.digest)

    async def check_ready(self, model: str) -> str:
        try:
            ready = await self.models.find(model).check_ready()
        except ModelNotFound as error:  # it was unloaded
            return error.message
        return "" if ready else f"Model '{model}' is not ready."

    async def close(self) -> None:
        await close_all(self.models.list_models())


def main() -> None:
    """Load the networks and the detector and serve; exits with one sentence when it can't."""
    settings = read_settings(StandaloneSettings)
    arguments = parse_arguments()
    if arguments.predictor_host or "predictor" in settings.model_fields_set:
        raise SystemExit(
            "The predictor is in this process; LANDMARKS_PREDICTOR and --predictor_host "
            "are for python -m transformer."
        )
    configure_logs(settings.log_level, settings.access_log)
    loader = ModelStore(arguments.model_name, settings)
    try:
        models, reasons = loader.load_all()
        behind = Repository([*models], settings, loader)
        behind.reasons.update(reasons)
        transformer = Transformer(arguments.model_name, settings, LocalBackend(behind))
        transformer.load()
    except (RuntimeError, ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    run_server(Repository([transformer], settings, managed=behind))


if __name__ == "__main__":
    main()
