"""Check the `face` input, which both services take."""

import numpy as np
from numpy.typing import NDArray

from serving.contract import FACE, FACE_SIDES
from serving.errors import InvalidTensor, TooLarge
from serving.messages import Tensor

SMALLEST, LARGEST = FACE_SIDES
ROUNDING = 1e-3  # by which floats may leave 0..1: half a step of FP16 near 1
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
