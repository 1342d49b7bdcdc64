"""A KServe model that both transports call through one function."""

import asyncio
import time
from abc import abstractmethod
from typing import Any

import kserve
from numpy.typing import NDArray

from serving import metrics
from serving.contract import TensorSpec
from serving.errors import DeadlineExceeded, NotReady, Overloaded, ServingError
from serving.logs import logger
from serving.messages import InferenceRequest, InferenceResponse
from serving.settings import ServerSettings

PLATFORM = "landmarks"
VERSION = "1"


class Model(kserve.Model):
    """The base of predictor and transformer: admission, deadline and metrics around `predict`."""

    service: str  # "predictor" or "transformer"
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]  # what metadata lists, the default ones and the others

    def __init__(self, name: str, settings: ServerSettings):
        super().__init__(name)
        self.settings = settings
        self.draining = False
        self.inflight = 0

    @abstractmethod
    async def predict(self, payload: InferenceRequest, headers: Any = None) -> InferenceResponse:
        """Answer a request; never computes on the event loop."""

    async def check_ready(self) -> bool:
        """Tell whether a request would be answered now."""
        return self.ready and not self.draining

    async def answer(self, request: InferenceRequest) -> InferenceResponse:
        """Answer a request within the limits: the one function that REST and gRPC call.

        Raises ServingError, whatever goes wrong.
        """
        begun = time.perf_counter()
        code = "internal"
        try:
            response = await self.admit(request)
            code = "ok"
            response.timings["total"] = time.perf_counter() - begun
            return response
        except ServingError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = "cancelled"
            raise
        except Exception:
            logger.exception("request failed", extra={"model": request.model})
            raise ServingError() from None
        finally:
            metrics.count_request(self.service, self.name, code, time.perf_counter() - begun)

    async def admit(self, request: InferenceRequest) -> InferenceResponse:
        """Let a request in while there is room, and stop it at its deadline."""
        if not self.ready:
            raise NotReady(f"Model '{self.name}' is not ready.")
        if self.inflight >= self.settings.max_inflight:
            raise Overloaded(
                f"{self.inflight} requests are under way, the most that this server takes."
            )
        latest = time.monotonic() + self.settings.request_seconds
        request.deadline = min(request.deadline or latest, latest)
        self.inflight += 1
        try:
            with metrics.INFLIGHT.labels(self.service).track_inprogress():
                async with asyncio.timeout(request.deadline - time.monotonic()):
                    return await self.predict(request)
        except TimeoutError:
            raise DeadlineExceeded("The answer was not ready within the request's time.") from None
        finally:
            self.inflight -= 1

    async def close(self) -> None:
        """Give up threads and connections, once the last request is answered."""

    def describe(self) -> dict[str, Any]:
        """Write the V2 model metadata."""
        return {
            "name": self.name,
            "versions": [VERSION],
            "platform": PLATFORM,
            "inputs": self.get_input_types(),
            "outputs": self.get_output_types(),
        }

    def get_input_types(self) -> list[dict]:
        return [spec.describe() for spec in self.inputs]

    def get_output_types(self) -> list[dict]:
        return [spec.describe() for spec in self.outputs]


def pick_outputs(names: tuple[str, ...], arrays: dict[str, NDArray]) -> dict[str, NDArray]:
    """Keep the named arrays, in the order in which they were asked for."""
    return {name: arrays[name] for name in names}
