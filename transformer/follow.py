"""Follow faces from one frame of a stream to the next, by the points of the answer before.

Nothing of a caller stays here: the points come back with the next frame, as `previous`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.contract import BOX_SCORES, BOXES, FACE_IDS, FACE_SCORES, LANDMARKS, PREVIOUS, SCORES
from serving.errors import InvalidTensor, TooLarge
from serving.landmarks import LandmarkSet
from serving.messages import InferenceRequest
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.crops.crop import Floats, choose_scale, fit_similarity
from transformer.crops.second_look import LEAN
from transformer.detectors.boxes import OVERLAP, measure_areas, measure_shared
from transformer.faces import DetectedFaces, FaceFinder, clip_boxes, cut_faces, name_colours
from transformer.inputs.choices import Choices
from transformer.locate import Arrays, Locator, select_faces
from transformer.pictures.base64_text import Given

NEAR = 0.1  # intersection over union above which a face that was found is one that was lost
SMALLEST = 4  # pixels of a box; of a smaller one nothing can be seen


def read_previous(
    request: InferenceRequest, landmarks: LandmarkSet, most: int
) -> NDArray[np.float32] | None:
    """Read the `[F,K,2]` of the frame before; raises InvalidTensor with the row, or TooLarge."""
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


@dataclass(frozen=True, slots=True)
class Placed:
    """Where faces are by their points: boxes `[F,4]` as the detector has them."""

    boxes: Floats  # [F, 4], x0 y0 x1 y1
    turns: NDArray[np.int16]  # [F], quarters counter-clockwise that turn each upright
    leans: Floats  # [F], degrees more, 0 where that is not worth it


def place_faces(points: Floats, landmarks: LandmarkSet) -> Placed:
    """Place the boxes of faces by their points `[F,K,2]`, where the average face fits best.

    No box is of any size where the set has no average face.
    """
    if landmarks.mean_face is None or not len(points):
        zeros = np.zeros(len(points), np.float32)
        return Placed(np.zeros((len(points), 4), np.float32), zeros.astype(np.int16), zeros)
    mean = np.array(landmarks.mean_face, np.float64) @ (1, 1j) - (0.5 + 0.5j)  # [K], of the crop
    places = points.astype(np.float64) @ (1, 1j) + (0.5 + 0.5j)  # [F, K]
    with np.errstate(over="ignore", invalid="ignore"):
        turn, middle = fit_similarity(mean, places)  # [F]: side and direction, the crop's middle
        size = np.abs(turn) / landmarks.crop_scale
        x, y = (shift * size for shift in landmarks.crop_offset)
        centre = np.stack([middle.real - x, middle.imag - y], axis=1)
        half = np.repeat(size[:, None] / 2, 2, axis=1)
        boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    degrees = np.degrees(np.angle(turn))
    quarters = np.round(degrees / 90)
    leans = degrees - 90 * quarters
    leans[np.abs(leans) <= (0 if landmarks.level_eyes else LEAN)] = 0
    return Placed(boxes, (quarters % 4).astype(np.int16), leans.astype(np.float32))


def measure_overlaps(boxes: Floats, others: Floats) -> Floats:
    """Measure the intersection over union of boxes `[F,4]` and others `[G,4]`: `[F,G]`."""
    overlaps = np.zeros((len(boxes), len(others)), np.float32)
    areas, other_areas = measure_areas(boxes), measure_areas(others)
    for i, box in enumerate(boxes):
        both = measure_shared(box, others)
        overlaps[i] = both / np.maximum(areas[i] + other_areas - both, 1e-6)
    return overlaps


def crop_placed(
    content: Given, placed: Placed, landmarks: LandmarkSet, finder: FaceFinder
) -> DetectedFaces:
    """Crop the faces that can be where they are placed; which of them: their `rows`.

    Those that lie outside, on each other or are of no likely size are left out, so that crops
    cost no more than those of faces that were detected. Raises InvalidImage or TooLarge.
    """
    timings: Timings = {}
    boxes, sides = placed.boxes, placed.boxes[:, 2] - placed.boxes[:, 0]
    likely = np.flatnonzero(np.isfinite(boxes).all(axis=1) & (sides >= SMALLEST))
    with measure_stage(timings, Stage.DECODE):
        scale = choose_scale(boxes[likely], landmarks)
        picture = finder.open(content, 0, scale, name_colours(landmarks))
    with measure_stage(timings, Stage.CROP):
        inside = measure_areas(clip_boxes(boxes, picture)) > 0
        inside &= sides <= 2 * max(picture.width, picture.height)
        rows = np.array([row for row in likely if inside[row]], np.intp)
        alone = np.tril(measure_overlaps(boxes[rows], boxes[rows]), -1).max(1, initial=0) <= OVERLAP
        rows = rows[alone]
    shown, turns = (picture.small, picture.scale), placed.turns[rows]
    found = cut_faces(picture, shown, boxes[rows], turns, landmarks, timings)
    found.leans, found.rows = placed.leans[rows], rows
    return found


async def follow_faces(
    previous: Floats,
    crop: Callable[[Placed], Awaitable[list[DetectedFaces]]],
    find: Callable[[], Awaitable[list[DetectedFaces]]],
    locator: Locator,
    choices: Choices,
) -> tuple[Arrays, int]:
    """Find the points of the faces `previous` `[F,K,2]`; detect faces where these don't hold.

    `crop` gives the faces that could be cropped, `find` those that are detected, in any case
    where the choices say `search`. Returns the outputs in the order of the rows, new
    faces behind, and the number of faces that are left out.
    """
    landmarks = locator.landmarks
    placed = place_faces(previous, landmarks)
    (tracked,) = await crop(placed)
    rows = tracked.rows
    assert rows is not None
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
    filled = [array for array in (first, second) if len(array)]
    return np.concatenate(filled) if filled else second


def match(overlaps: Floats, rows: NDArray[np.intp]) -> NDArray[np.int32]:
    """Match faces to rows by overlaps `[F,R]`, the greatest first: a row each, or -1."""
    ids = np.full(len(overlaps), -1, np.int32)
    overlaps = overlaps.copy()
    while overlaps.size and overlaps.max() > NEAR:
        face, row = np.unravel_index(overlaps.argmax(), overlaps.shape)
        ids[face] = rows[row]
        overlaps[face], overlaps[:, row] = 0, 0
    return ids
