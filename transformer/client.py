"""The seam between the transformer and whoever finds the landmarks of its faces."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.contract import HEATMAPS, LANDMARKS, SCORES
from serving.errors import InvalidRequest, PredictorUnavailable
from serving.landmarks import LandmarkSet
from serving.telemetry.stages import Timings, add_timings

SENDABLE = re.compile(r"[ -~]+")  # what gRPC takes as the value of a text header
NO_HEATMAPS = np.empty((0, 0, 0, 0), np.float32)
WITH_HEATMAPS = (LANDMARKS.name, SCORES.name, HEATMAPS.name)  # outputs to ask for
CHUNK_FACES = 256  # of a call, the predictor's own limit
CHUNK_BYTES = 8 * 2**20


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


class Client(ABC):
    """Asks models of a predictor, wherever it runs."""

    address: str  # where that is, for the log
    local = False  # whether that is this process, so that a question waits for nobody

    async def predict(
        self,
        faces: NDArray,
        model: str,
        forward: Mapping[str, str],
        deadline: float,
        heatmaps: bool = False,
    ) -> FaceLandmarks:
        """Ask a model for the landmarks and scores of faces `[N,...]`.

        Raises the predictor's own ServingError, or PredictorUnavailable.
        """
        chunk = max(1, min(CHUNK_FACES, CHUNK_BYTES // max(1, faces[:1].nbytes)))
        parts = [
            await self.infer(faces[start : start + chunk], model, forward, deadline, heatmaps)
            for start in range(0, len(faces), chunk)
        ]
        if len({part.digest for part in parts}) > 1:
            raise PredictorUnavailable("The predictor is being replaced by one of other landmarks.")
        timings: Timings = {}
        for part in parts:
            add_timings(timings, part.timings)
        return FaceLandmarks(
            np.concatenate([part.landmarks for part in parts]),
            np.concatenate([part.scores for part in parts]),
            timings,
            parts[0].digest,
            np.concatenate([part.heatmaps for part in parts]),
        )

    @abstractmethod
    async def infer(
        self,
        faces: NDArray,
        model: str,
        forward: Mapping[str, str],
        deadline: float,
        heatmaps: bool,
    ) -> FaceLandmarks:
        """Make one call, with no more faces than it takes."""

    @abstractmethod
    async def fetch_landmarks(self, model: str, deadline: float) -> LandmarkSet:
        """Ask for the landmark set of a model.

        Raises the predictor's own ServingError, or PredictorUnavailable.
        """

    @abstractmethod
    async def check_ready(self, model: str) -> bool:
        """Check whether the predictor's model is ready."""

    @abstractmethod
    async def close(self) -> None:
        """Release connections, or models."""


def check_forward(forward: Mapping[str, str]) -> None:
    """Raise InvalidRequest where a header cannot go on to the predictor."""
    for name, value in forward.items():
        if not SENDABLE.fullmatch(value):
            raise InvalidRequest(f"The header '{name}' needs visible ASCII characters.")
