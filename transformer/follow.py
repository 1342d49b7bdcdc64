"""Follow faces from one frame of a stream to the next, by the points of the answer before.

Nothing of a caller stays here: the points come back with the next frame, as `previous`.
"""

from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray

from serving.contract import BOX_SCORES, BOXES, FACE_IDS, FACE_SCORES, LANDMARKS, PREVIOUS, SCORES
from serving.errors import InvalidTensor, TooLarge
from serving.landmarks import LandmarkSet
from serving.messages import InferenceRequest
from transformer.crops.crop import Floats
from transformer.crops.placing import Placed, measure_overlaps, place_faces
from transformer.detectors.boxes import OVERLAP
from transformer.faces import DetectedFaces
from transformer.inputs.choices import Choices
from transformer.locate import Arrays, Locator, select_faces

NEAR = 0.1  # intersection over union above which a face that was found is one that was lost


def read_previous(
    request: InferenceRequest, landmarks: LandmarkSet, most: int
) -> NDArray[np.float32] | None:
    """Read the points `[F,K,2]` of the frame before, None where the request has none.

    Raises InvalidTensor with the row that is wrong, or TooLarge.
    """
    if (tensor := request.inputs.get(PREVIOUS.name)) is None:
        return None
    shape, k = list(tensor.array.shape), len(landmarks)
    if tensor.datatype != "FP32" or len(shape) != 3 or shape[1:] != [k, 2]:
        raise InvalidTensor(
            f"'previous' is {tensor.datatype} {shape}; it takes FP32 [F,{k},2], "
            "the 'landmarks' of the frame before."
        )
    if len(tensor.array) > most:
        raise TooLarge(f"'previous' has {len(tensor.array)} faces; {most} is the limit.")
    wrong = np.flatnonzero(~np.isfinite(tensor.array).all(axis=(1, 2)))
    if len(wrong):
        raise InvalidTensor(f"'previous' has values that are not finite in row {wrong[0]}.")
    return tensor.array


async def follow_faces(
    previous: Floats,
    crop: Callable[[Placed], Awaitable[tuple[DetectedFaces, NDArray[np.intp]]]],
    find: Callable[[], Awaitable[list[DetectedFaces]]],
    locator: Locator,
    choices: Choices,
) -> tuple[Arrays, int]:
    """Find the points of the faces `previous` `[F,K,2]`; detect faces where these don't hold.

    `crop` gives the faces that could be cropped and their rows, `find` those that are detected,
    in any case where the choices say `search`. Returns the outputs in the order of the rows, new
    faces behind, and the number of faces that are left out.
    """
    landmarks = locator.landmarks
    placed = place_faces(previous, landmarks)
    tracked, rows = await crop(placed)
    arrays = await locator.locate([tracked], twice=False)
    held = arrays[SCORES.name].mean(axis=1) >= landmarks.doubt
    arrays = select_faces(arrays, held) | {FACE_IDS.name: rows[held].astype(np.int32)}
    arrays[BOX_SCORES.name] = arrays[FACE_SCORES.name]
    if held.all() and len(rows) == len(previous) > 0 and not choices.search:
        return arrays, 0
    (found,) = await find()
    here = place_faces(arrays[LANDMARKS.name], landmarks).boxes
    found.keep(np.flatnonzero((measure_overlaps(found.boxes, here) <= OVERLAP).all(axis=1)))
    lost = np.setdiff1d(np.arange(len(previous)), arrays[FACE_IDS.name])
    more = await locator.locate([found])
    more[FACE_IDS.name] = match(measure_overlaps(more[BOXES.name], placed.boxes[lost]), lost)
    joined = {name: join(arrays[name], more[name]) for name in arrays}
    ids = joined[FACE_IDS.name]
    order = np.argsort(np.where(ids < 0, len(previous), ids), kind="stable")
    left_out = found.left_out + max(0, len(ids) - choices.max_faces)
    return select_faces(joined, order[: choices.max_faces]), left_out


def join(first: NDArray, second: NDArray) -> NDArray:
    """Put the rows of an output together; an empty one, not asked for, may be of any shape."""
    return (
        np.concatenate([first, second])
        if len(first) and len(second)
        else first
        if len(first)
        else second
    )


def match(overlaps: Floats, rows: NDArray[np.intp]) -> NDArray[np.int32]:
    """Match faces to rows by overlaps `[F,R]`, the greatest first: a row each, or -1."""
    ids = np.full(len(overlaps), -1, np.int32)
    overlaps = overlaps.copy()
    while overlaps.size and overlaps.max() > NEAR:
        face, row = np.unravel_index(overlaps.argmax(), overlaps.shape)
        ids[face] = rows[row]
        overlaps[face], overlaps[:, row] = 0, 0
    return ids
