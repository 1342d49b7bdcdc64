"""A KServe model that both transports call through one function."""

import asyncio
import time
from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from serving.contract import TensorSpec
from serving.errors import DeadlineExceeded, NotReady
from serving.framework import kserve
from serving.landmarks import LandmarkSet, write_parameters
from serving.messages import Call, InferenceRequest, InferenceResponse
from serving.settings import ServerSettings
from serving.statistics import Statistics

PLATFORM = "landmarks"
VERSION = "1"  # of a model that has no other


class Model(kserve.Model):
    """The base of predictor and transformer: readiness, deadline and counts around `predict`."""

    service: str  # "predictor" or "transformer"
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]  # what metadata lists, the default ones and the others
    landmarks: LandmarkSet | None = None  # of the answers, as far as it is known
    problem = ""  # why it is not ready, where that is known
    draws = False  # whether it answers with a drawn picture where one is asked for
    page: Path | None = None  # folder of static files that are shown at /
    max_batch_size = 0  # of the configuration: items that share a first dimension; 0 is none

    def __init__(self, name: str, settings: ServerSettings, version: str = VERSION):
        if problem := check_name(name):
            raise ValueError(problem)
        super().__init__(name)
        self.settings = settings
        self.version = version
        self.draining = False
        self.inflight = 0
        self.statistics = Statistics()

    @abstractmethod
    async def predict(self, request: InferenceRequest, call: Call) -> InferenceResponse:
        """Answer a request by the call's deadline; never computes on the event loop."""

    async def check_ready(self) -> bool:
        """Check whether a request would be answered now."""
        return self.ready and not self.draining

    async def infer(self, request: InferenceRequest, call: Call = Call()) -> InferenceResponse:
        """Answer a request by its deadline: the one function that REST and gRPC call.

        Raises ServingError where the caller or the load is the cause, else what went wrong.
        """
        if not self.ready:
            raise NotReady(f"Model '{self.name}' is not ready.")
        begun = time.perf_counter()
        latest = time.monotonic() + self.settings.request_seconds
        call = replace(call, deadline=min(call.deadline, latest))
        self.inflight += 1
        try:
            async with asyncio.timeout(call.deadline - time.monotonic()) as limit:
                response = await self.predict(request, call)
        except BaseException as error:
            self.statistics.add_failure(time.perf_counter() - begun)
            if isinstance(error, TimeoutError) and limit.expired():
                raise DeadlineExceeded(
                    "The answer was not ready within the request's time."
                ) from None
            raise
        finally:
            self.inflight -= 1
        seconds = time.perf_counter() - begun
        self.statistics.add_success(seconds, response.timings, response.items)
        response.model, response.version, response.id = self.name, self.version, request.id
        return response

    async def close(self) -> None:
        """Release threads and connections, once the last request is answered."""

    async def refresh(self) -> None:
        """Bring what metadata and configuration say up to date."""

    def describe(self) -> dict[str, Any]:
        """Write the V2 model metadata."""
        content: dict[str, Any] = {
            "name": self.name,
            "versions": [self.version],
            "platform": PLATFORM,
            "inputs": [spec.describe() for spec in self.list_inputs()],
            "outputs": [spec.describe() for spec in self.list_outputs()],
        }
        if self.landmarks is not None:
            content["parameters"] = {"landmarks": self.landmarks.describe()}
        return content

    def describe_config(self) -> dict[str, Any]:
        """Write the model's configuration as Triton's clients read it."""
        first = 1 if self.max_batch_size else 0  # dims leave a batch dimension out
        content: dict[str, Any] = {
            "name": self.name,
            "platform": PLATFORM,
            "backend": self.service,
            "max_batch_size": self.max_batch_size,
            "input": [spec.describe_config(first) for spec in self.list_inputs()],
            "output": [spec.describe_config(first) for spec in self.list_outputs()],
        }
        if self.landmarks is not None:
            values = write_parameters(self.landmarks)
            content["parameters"] = {k: {"string_value": value} for k, value in values.items()}
        return content

    def describe_statistics(self) -> dict[str, Any]:
        """Write what the model has done so far."""
        return self.statistics.describe(self.name, self.version, self.count_executions())

    def count_executions(self) -> int:
        """Count how often the model ran; one run may answer several requests."""
        return self.statistics.counts["success"]

    def list_inputs(self) -> tuple[TensorSpec, ...]:
        """List the inputs with the lengths that the landmark set gives them."""
        return tuple(spec.fit(self.landmarks) for spec in self.inputs)

    def list_outputs(self) -> tuple[TensorSpec, ...]:
        """List the outputs with the lengths that the landmark set gives them."""
        return tuple(spec.fit(self.landmarks) for spec in self.outputs)


def check_name(name: str) -> str:
    """Return why no address could lead to a model of this name, "" where one can."""
    if not name or name in (".", "..", "stats"):
        return f"a model cannot be named '{name}'."
    if "/" in name or not name.isprintable():
        return f"a model's name is part of an address; {name[:100]!r} cannot be."
    return ""


def select_outputs(names: tuple[str, ...], arrays: dict[str, NDArray]) -> dict[str, NDArray]:
    """Keep the named arrays, in the order in which they were asked for."""
    return {name: arrays[name] for name in names}
