"""Read the transformer's inputs: pictures to search, or faces that are cut out already."""

import numpy as np
from numpy.typing import NDArray

from serving.contract import FACE, FACE_SIDE, IMAGE
from serving.errors import InvalidTensor, TooLarge
from serving.messages import InferenceRequest
from transformer.picture import Pixels, decode_base64

ACCEPTED = (
    "'image', BYTES [N] of JPEG, PNG or WebP files or UINT8 [H,W,3], "
    f"or 'face', UINT8 or FP32 [N,1,{FACE_SIDE},{FACE_SIDE}]"
)


def read_pictures(request: InferenceRequest, max_images: int) -> list[bytes | Pixels]:
    """Take the pictures out of a request: files as bytes, or one as pixels `[H,W,3]`.

    Raises InvalidTensor, InvalidImage or TooLarge with what is accepted.
    """
    check_names(request, IMAGE.name)
    tensor = request.inputs[IMAGE.name]
    array = tensor.array
    if tensor.datatype == "UINT8" and array.ndim == 3 and array.shape[2] == 3 and array.size:
        return [array]
    if tensor.datatype != "BYTES" or array.ndim != 1:
        raise InvalidTensor(
            f"'image' is {tensor.datatype} {list(array.shape)}; the inputs are {ACCEPTED}."
        )
    if not 1 <= len(array) <= max_images:
        kind = InvalidTensor if len(array) == 0 else TooLarge
        raise kind(f"'image' has {len(array)} pictures; 1 to {max_images} go into one request.")
    return [decode_base64(item) if tensor.text else item for item in array]


def read_faces(request: InferenceRequest, max_faces: int) -> NDArray:
    """Take the faces `[N,1,96,96]` out of a request; the predictor checks their values."""
    check_names(request, FACE.name)
    tensor = request.inputs[FACE.name]
    array = tensor.array
    if tensor.datatype not in FACE.datatypes or array.shape[1:] != FACE.shape[1:]:
        raise InvalidTensor(
            f"'face' is {tensor.datatype} {list(array.shape)}; the inputs are {ACCEPTED}."
        )
    if not 1 <= len(array) <= max_faces:
        kind = InvalidTensor if len(array) == 0 else TooLarge
        raise kind(f"'face' has {len(array)} faces; 1 to {max_faces} go into one request.")
    return np.ascontiguousarray(array)


def check_names(request: InferenceRequest, wanted: str) -> None:
    """Check that the wanted input is the request's only one."""
    if set(request.inputs) != {wanted}:
        names = ", ".join(sorted(request.inputs)) or "nothing"
        raise InvalidTensor(f"The inputs are {names}; there goes one in, {ACCEPTED}.")
