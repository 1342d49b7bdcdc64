"""The seam between the transformer and whatever finds faces."""

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transformer.pictures.picture import Pixels

Floats = NDArray[np.float32]


class Detector(ABC):
    """Finds faces in pixels. Safe to call from one thread at a time; each worker has its own."""

    name: str
    # What a score means differs between detectors, hence these three:
    min_score: float  # a box with less is not a face
    doubt: float  # a box with less is not worth another look
    sure: float  # a face with as much is upright and of a size that the network is good at
    runtime: str  # what runs the network, and its version
    precision: str  # what it computes in: "bf16" or "f32"

    @abstractmethod
    def __init__(self, path: Path, min_score: float | None = None):
        if min_score is not None:
            self.min_score = min_score

    @abstractmethod
    def search(self, rgb: Pixels, min_score: float) -> tuple[Floats, Floats]:
        """Search a picture `[h,w,3]` RGB at its own size.

        Gives boxes `[F,4]`, x0 y0 x1 y1 in its pixels, and scores `[F]`, the best first. Both are
        the caller's own. A box may reach beyond the picture: its face is cut by the border.
        """
