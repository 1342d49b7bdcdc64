"""The transformer's predictor in the same process: a call is a function, its answer arrays."""

import time
from collections.abc import Mapping

from numpy.typing import NDArray

from serving.contract import FACE
from serving.errors import ModelNotFound, name_code
from serving.landmarks import LandmarkSet
from serving.messages import DATATYPES, InferenceRequest, Tensor
from serving.repository import Repository, close_all
from serving.telemetry import metrics
from transformer.client import WITH_HEATMAPS, Client, FaceLandmarks


class LocalClient(Client):
    """Calls models as the predictor's gRPC method would, with its admission and its counts."""

    address = "in this process"
    local = True

    def __init__(self, models: Repository):
        self.models = models

    async def infer(
        self,
        faces: NDArray,
        model: str,
        forward: Mapping[str, str],
        deadline: float,
        heatmaps: bool,
    ) -> FaceLandmarks:
        tensor = Tensor(FACE.name, DATATYPES[faces.dtype], faces)
        request = InferenceRequest(
            model,
            {FACE.name: tensor},
            outputs=WITH_HEATMAPS if heatmaps else (),
            forward=forward,
            deadline=deadline,
        )
        begun, name, code = time.perf_counter(), "", "ok"
        try:
            with self.models.admission.enter():
                found = self.models.find(model)
                name = found.name
                answer = await found.infer(request)
        except BaseException as error:
            code = name_code(error)
            raise
        finally:
            seconds = time.perf_counter() - begun
            metrics.count_request(self.models.service, name, code, seconds)
        return FaceLandmarks.from_outputs(answer.outputs, answer.timings, answer.landmarks)

    async def fetch_landmarks(self, model: str, deadline: float) -> LandmarkSet:
        found = self.models.find(model).landmarks
        assert found is not None  # a predictor has one from its start
        return found

    async def check_ready(self, model: str) -> bool:
        try:
            return await self.models.find(model).check_ready()
        except ModelNotFound:  # it was unloaded
            return False

    async def close(self) -> None:
        await close_all(self.models.list_models())
