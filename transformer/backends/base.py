"""The seam between the transformer and whoever finds the landmarks of its faces."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.contract import HEATMAPS, LANDMARKS, SCORES
from serving.errors import InvalidRequest, ModelNotFound, NotReady
from serving.landmarks import LandmarkSet
from serving.messages import Call
from serving.telemetry.stages import Timings, add_timings

SENDABLE = re.compile(r"[ -~]+")  # what gRPC takes as the value of a text header
NO_HEATMAPS = np.empty((0, 0, 0, 0), np.float32)
WITH_HEATMAPS = (LANDMARKS.name, SCORES.name, HEATMAPS.name)  # outputs to ask for
CALL_BYTES = 8 * 2**20  # of one call's faces
CALL_FACES = 256  # of one call to a model that doesn't publish its limit


@dataclass(slots=True)
class FaceLandmarks:
    """What the predictor says about faces, and the seconds of its own stages."""

    landmarks: NDArray[np.float32]  # [N, K, 2]
    scores: NDArray[np.float32]  # [N, K]
    timings: Timings = field(default_factory=dict)
    digest: str = ""  # of the landmark set, "" where the predictor doesn't tell
    # [N, K, S, S], where they were asked for
    heatmaps: NDArray[np.float32] = field(default_factory=NO_HEATMAPS.copy)

    @classmethod
    def from_outputs(
        cls, arrays: Mapping[str, NDArray], timings: Timings, digest: str
    ) -> "FaceLandmarks":
        """Make it of a predictor's outputs by name."""
        heatmaps = arrays.get(HEATMAPS.name, NO_HEATMAPS)
        return cls(arrays[LANDMARKS.name], arrays[SCORES.name], timings, digest, heatmaps)

    def select(self, rows: slice) -> "FaceLandmarks":
        """Select some of the faces, without heatmaps."""
        landmarks, scores = self.landmarks[rows], self.scores[rows]
        return FaceLandmarks(landmarks, scores, dict(self.timings), self.digest)

    @classmethod
    def of_no_face(cls, known: LandmarkSet) -> "FaceLandmarks":
        """Make what the predictor would say about no face at all."""
        k = len(known)
        shapes = (0, k, 2), (0, k), (0, k, *known.map_size)
        landmarks, scores, heatmaps = (np.empty(shape, np.float32) for shape in shapes)
        return cls(landmarks, scores, heatmaps=heatmaps)


@dataclass(frozen=True, slots=True)
class Network:
    """What the predictor publishes of one of its models."""

    landmarks: LandmarkSet
    max_faces: int  # of one call, 0 where it doesn't tell
    digest: str = ""  # of the set as the predictor has it, "" where it doesn't tell

    def count_faces(self, faces: NDArray) -> int:
        """Count how many such faces `[N,...]` go into one call, 1 at least."""
        most = self.max_faces or CALL_FACES
        return max(1, min(most, CALL_BYTES // max(1, faces[:1].nbytes)))


class PredictorBackend(ABC):
    """Asks models of a predictor, wherever it runs."""

    address: str  # where that is, for the log
    local = False  # whether that is this process, so that a question waits for nobody

    def __init__(self) -> None:
        # Seconds in which so many waiting pictures, whose faces follow, should be through.
        self.expect: Callable[[int], float] = lambda pictures: 0.0
        self.networks: dict[str, Network] = {}  # by name, of the models that were asked

    async def learn_network(self, model: str, deadline: float) -> Network:
        """Return what the predictor publishes of a model; asks at the first use alone."""
        return self.networks.get(model) or await self.refresh_network(model, deadline)

    async def refresh_network(self, model: str, deadline: float) -> Network:
        """Ask what the predictor publishes of a model now, and keep it; raises as fetch_network."""
        try:
            self.networks[model] = await self.fetch_network(model, deadline)
        except ModelNotFound:
            self.networks.pop(model, None)
            raise
        return self.networks[model]

    async def predict(
        self, faces: NDArray, model: str, call: Call, heatmaps: bool = False
    ) -> FaceLandmarks:
        """Ask a model for the landmarks and scores of faces `[N,...]`.

        Raises the predictor's own ServingError, PredictorUnavailable, or NotReady where the
        answer is of another landmark set than the known one: the predictor is being replaced.
        """
        network = await self.learn_network(model, call.deadline)
        known, chunk = network.landmarks, network.count_faces(faces)
        starts = range(0, len(faces), chunk)
        parts = [await self.infer(faces[i : i + chunk], model, call, heatmaps) for i in starts]
        for part in parts:
            expected = network.digest or parts[0].digest
            if part.digest not in ("", expected) or part.scores.shape[1] != len(known):
                await self.refresh_network(model, call.deadline)
                raise NotReady("The predictor is being replaced by one of other landmarks.")
        timings: Timings = {}
        for part in parts:
            add_timings(timings, part.timings)
        rows = ((part.landmarks, part.scores, part.heatmaps) for part in parts)
        landmarks, scores, maps = (np.concatenate(column) for column in zip(*rows, strict=True))
        return FaceLandmarks(landmarks, scores, timings, parts[0].digest, maps)

    @abstractmethod
    async def infer(self, faces: NDArray, model: str, call: Call, heatmaps: bool) -> FaceLandmarks:
        """Make one call, with no more faces than it takes."""

    @abstractmethod
    async def fetch_network(self, model: str, deadline: float) -> Network:
        """Ask for a model's set and limit; raises its ServingError or PredictorUnavailable."""

    @abstractmethod
    async def check_ready(self, model: str) -> str:
        """Return why the predictor's model is not ready, "" where it is."""

    @abstractmethod
    async def close(self) -> None:
        """Release connections, or models."""


def check_forward(forward: Mapping[str, str]) -> None:
    """Raise InvalidRequest where a header cannot go on to the predictor."""
    for name, value in forward.items():
        if not SENDABLE.fullmatch(value):
            raise InvalidRequest(f"The header '{name}' needs visible ASCII characters.")
