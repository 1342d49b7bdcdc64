"""The seam between the predictor and whatever runs the network."""

from abc import ABC, abstractmethod
from typing import Any

from numpy.typing import NDArray

from predictor.decode import Floats, decode_heatmaps

Faces = NDArray[Any]  # UINT8 or FP32


class Engine(ABC):
    """A loaded network. Safe to call from one thread at a time.

    `logits` tells what a heatmap's values are: logits of a softmax over its pixels,
    or heights of a Gaussian in 0..1 (how most public checkpoints are trained).
    """

    name: str  # "eager", "openvino-int8", ...
    logits: bool
    max_batch: int  # faces in one run beyond which a batch gains nothing

    @abstractmethod
    def run(self, faces: Faces) -> Floats:
        """Run the network: faces `[N,1,96,96]`, UINT8 0..255 or FP32 0..1 -> `[N,15,96,96]`."""

    def locate(self, faces: Faces) -> tuple[Floats, Floats]:
        """Find the landmarks `[N,15,2]` (x, y in pixels of the face) and scores `[N,15]`."""
        return decode_heatmaps(self.run(faces), self.logits)


def tell_logits(heatmaps: Floats) -> bool:
    """Tell logits from Gaussian heights by their range on a real face."""
    return bool(heatmaps.min() < -1.0 or heatmaps.max() > 2.0)
