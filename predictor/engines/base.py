"""The seam between the predictor and whatever runs the network."""

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from predictor.decode import Floats
from predictor.manifest import Manifest

FaceArray = NDArray[np.uint8] | NDArray[np.float32]


class EngineError(RuntimeError):
    """No engine could be loaded; the message is one sentence that says why and what helps."""


class Engine(ABC):
    """A loaded network of K points and faces of C channels, H by W; for one thread at a time."""

    name: str  # what LANDMARKS_ENGINE calls it
    why: str = ""  # one sentence: why this engine and no other
    distance: float = 0.0  # from the author's golden answer, in pixels of the face

    def __init__(self, folder: Path, manifest: Manifest, threads: int):
        self.name = manifest.engine
        self.landmarks = manifest.landmarks
        self.reader = manifest.reader
        self.channels, self.size = manifest.channels, manifest.size
        self.max_batch = manifest.batch or manifest.max_batch
        self.open(folder / manifest.model, manifest, threads)

    @abstractmethod
    def open(self, model: Path, manifest: Manifest, threads: int) -> None:
        """Open the model's file for so many threads."""

    @abstractmethod
    def run(self, faces: FaceArray) -> Floats:
        """Run the network: faces `[N,C,H,W]`, UINT8 0..255 or FP32 0..1.

        Gives heatmaps `[N,K,h,w]` or coordinates `[N,K,2|3]`, the caller's own.
        """

    def predict(self, faces: FaceArray) -> tuple[Floats, Floats]:
        """Find the landmarks `[N,K,2]` (x, y in pixels of the face) and scores `[N,K]`."""
        return self.reader.read_points(self.run(faces), self.size)


def scale_faces(faces: FaceArray) -> Floats:
    """Bring faces to FP32 0..1, writeable and contiguous; copies only what is not so already."""
    if faces.dtype == np.uint8:
        return np.divide(faces, np.float32(255), dtype=np.float32)
    return np.require(faces, np.float32, ["C", "W"])
