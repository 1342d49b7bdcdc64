"""Read the transformer's inputs: pictures to search, or faces that are cut out already."""

import re

import numpy as np
from numpy.typing import NDArray

from serving.contract import BOX_IMAGE_INDEX, FACE, IMAGE, OWN_BOXES, PREVIOUS
from serving.errors import InvalidRequest, InvalidTensor, NotAcceptable, TooLarge
from serving.faces import ACCEPTED_FACE, check_faces
from serving.messages import InferenceRequest
from transformer.pictures.base64_text import Base64Text, Given

ACCEPTED = (
    "'image', BYTES [N] of picture files or UINT8 [H,W,3], alone or with 'boxes' and "
    f"'box_image_index' or with 'previous', or {ACCEPTED_FACE}"
)
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def read_pictures(request: InferenceRequest, max_images: int, drawn: str) -> list[Given]:
    """Return the pictures of a request: files as they came, or one as pixels `[H,W,3]`.

    `drawn` is the media type of a drawn picture, "" where none is wanted. Raises
    InvalidTensor, NotAcceptable or TooLarge with what is accepted.
    """
    if PREVIOUS.name in request.inputs:
        check_names(request, IMAGE.name, PREVIOUS.name)
    else:
        check_names(request, IMAGE.name, OWN_BOXES.name, BOX_IMAGE_INDEX.name)
    tensor = request.inputs[IMAGE.name]
    array = tensor.array
    if drawn and tensor.datatype == "BYTES" and array.size != 1:
        raise NotAcceptable(f"One picture is drawn at a time; the request has {array.size}.")
    if tensor.datatype == "UINT8" and array.ndim == 3 and array.shape[2] == 3 and array.size:
        return [np.ascontiguousarray(array)]
    if tensor.datatype != "BYTES" or array.ndim != 1:
        text = f"'image' is {tensor.datatype} {list(array.shape)}; the inputs are {ACCEPTED}."
        raise InvalidTensor(text)
    if PREVIOUS.name in request.inputs and len(array) != 1:
        raise InvalidTensor(f"'image' has {len(array)} pictures; with 'previous' it takes one.")
    if not 1 <= len(array) <= max_images:
        kind = InvalidTensor if len(array) == 0 else TooLarge
        raise kind(f"'image' has {len(array)} pictures; 1 to {max_images} go into one request.")
    return [Base64Text(item) if tensor.text else item for item in array]


def read_faces(request: InferenceRequest, max_faces: int, drawn: str) -> NDArray:
    """Return the faces of a request as they came; the predictor checks their values."""
    check_names(request, FACE.name)
    if drawn:
        raise NotAcceptable("Only pictures are drawn; the request has faces that are cut out.")
    check_faces(request.inputs[FACE.name], max_faces)
    return request.inputs[FACE.name].array


def read_model(request: InferenceRequest, default: str) -> str:
    """Read which of the predictor's models the request wants: the parameter `model`."""
    name = request.parameters.get("model", default)
    if not isinstance(name, str) or not MODEL_NAME.fullmatch(name):
        raise InvalidRequest("The parameter 'model' needs the name of a predictor's model.")
    return name


def check_names(request: InferenceRequest, *wanted: str) -> None:
    """Check that the first wanted input is there, and others only with those before them."""
    if set(request.inputs) != set(wanted[: len(request.inputs)]) or not request.inputs:
        names = ", ".join(sorted(request.inputs)) or "nothing"
        raise InvalidTensor(f"The inputs are {names}; accepted is {ACCEPTED}.")
