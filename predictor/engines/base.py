"""The seam between the predictor and whatever runs the network."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from predictor.decode import Floats, decode_heatmaps
from serving.landmarks import LandmarkSet

FaceArray = NDArray[np.uint8] | NDArray[np.float32]


class EngineError(RuntimeError):
    """No engine could be loaded; the message is one sentence that says why and what helps."""


class Engine(ABC):
    """A loaded network of K points and faces of S pixels a side, as `landmarks` has it.

    Safe to call from one thread at a time.
    `logits` tells what a heatmap's values are: logits of a softmax over its pixels,
    or heights of a Gaussian in 0..1 (how most public checkpoints are trained).
    """

    name: str  # of its row in registry.py
    logits: bool
    landmarks: LandmarkSet
    max_batch: int  # faces in one run beyond which a batch gains nothing
    why: str = ""  # one sentence: why this engine and no other

    @abstractmethod
    def run(self, faces: FaceArray) -> Floats:
        """Run the network: faces `[N,1,S,S]`, UINT8 0..255 or FP32 0..1 -> `[N,K,S,S]`.

        The heatmaps are the caller's own.
        """

    def predict(self, faces: FaceArray) -> tuple[Floats, Floats]:
        """Find the landmarks `[N,K,2]` (x, y in pixels of the face) and scores `[N,K]`."""
        return decode_heatmaps(self.run(faces), self.logits)


def scale_faces(faces: FaceArray) -> Floats:
    """Bring faces to FP32 0..1, writeable and contiguous; copies only what is not so already."""
    if faces.dtype == np.uint8:
        return np.divide(faces, np.float32(255), dtype=np.float32)
    return np.require(faces, np.float32, ["C", "W"])


def are_logits(heatmaps: Floats) -> bool:
    """Check whether heatmaps are logits, not Gaussian heights, by their range on a real face."""
    return bool(heatmaps.min() < -1.0 or heatmaps.max() > 2.0)
