"""Faces as both services take them: the `face` input, the square about a box, a face's score."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.contract import FACE, FACE_SIDES
from serving.errors import InvalidTensor, TooLarge
from serving.landmarks import LandmarkSet
from serving.messages import Tensor

SMALLEST, LARGEST = FACE_SIDES
ROUNDING = 1e-3  # by which floats may leave 0..1: half a step of FP16 near 1
LEAST_SCORE = 1e-6  # a score of 0 has no logarithm
ACCEPTED_FACE = (
    f"'face', UINT8 (0..255), FP32 or FP16 (0..1), [N,1|3,H,W] or [N,H,W,1|3] "
    f"of {SMALLEST} to {LARGEST} pixels a side"
)


def check_faces(tensor: Tensor, max_faces: int) -> NDArray:
    """Return the faces of the tensor as `[N,H,W,C]`, a view, once its shape and type are right.

    Raises InvalidTensor or TooLarge with what is accepted.
    """
    array = tensor.array
    if tensor.datatype not in FACE.datatypes or array.ndim != 4:
        raise InvalidTensor(
            f"'face' is {tensor.datatype} {list(array.shape)}; accepted is {ACCEPTED_FACE}."
        )
    if not 1 <= len(array) <= max_faces:
        kind = InvalidTensor if len(array) == 0 else TooLarge
        raise kind(f"'face' has {len(array)} faces; 1 to {max_faces} go into one request.")
    if array.shape[1] in (1, 3):  # no side is that short, so the channels cannot be mistaken
        array = array.transpose(0, 2, 3, 1)
    _, height, width, channels = array.shape
    if channels not in (1, 3) or min(height, width) < SMALLEST:
        raise InvalidTensor(f"'face' is {list(tensor.array.shape)}; accepted is {ACCEPTED_FACE}.")
    if max(height, width) > LARGEST:
        raise TooLarge(f"'face' is {list(tensor.array.shape)}; accepted is {ACCEPTED_FACE}.")
    return array


def check_values(faces: NDArray) -> None:
    """Raise InvalidTensor where floats are outside 0..1 by more than rounding, or NaN."""
    if faces.dtype != np.uint8 and not (faces.min() >= -ROUNDING and faces.max() <= 1 + ROUNDING):
        raise InvalidTensor("'face' of floats has values outside 0..1, or NaN.")


@dataclass(frozen=True, slots=True)
class Square:
    """A square of whole pixels in the picture: left, top, side; it may reach beyond it."""

    left: int
    top: int
    side: int

    def cut(self, picture: NDArray) -> NDArray:
        """Cut it out of a picture `[H,W,...]`, beyond which its border's pixels repeat."""
        rows = np.clip(np.arange(self.top, self.top + self.side), 0, picture.shape[0] - 1)
        columns = np.clip(np.arange(self.left, self.left + self.side), 0, picture.shape[1] - 1)
        return picture[rows[:, None], columns]


def place_square(box: Iterable[float], landmarks: LandmarkSet) -> Square:
    """Place the crop of a box (x0, y0, x1, y1) where the network was trained on faces."""
    x0, y0, x1, y1 = (float(v) for v in box)
    width, height = max(1.0, x1 - x0), max(1.0, y1 - y0)
    size = max(width, height) if landmarks.crop_by == "longer" else float(np.sqrt(width * height))
    side = max(2, round(landmarks.crop_scale * size))
    x, y = (shift * size for shift in landmarks.crop_offset)
    return Square(round((x0 + x1 - side) / 2 + x), round((y0 + y1 - side) / 2 + y), side)


def score_faces(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score faces `[F]` by their points' scores `[F,K]`: their geometric mean.

    Of five such numbers it told faces with points more than 10 % off best from others
    (AUROC 0.98 on faces covered, turned, shifted, shrunk and darkened; models/MODEL_CARD.md).
    """
    return np.exp(np.log(np.maximum(scores, LEAST_SCORE)).mean(axis=1)).astype(np.float32)
