"""Where faces are by their points: the boxes that would be detected, and the crops of these."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.landmarks import LandmarkSet
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.crops.crop import Floats, choose_scale, crop_faces, fit_similarity
from transformer.crops.second_look import LEAN
from transformer.detectors.boxes import OVERLAP, measure_areas, measure_shared
from transformer.faces import DetectedFaces, FaceFinder, clip_boxes, name_colours
from transformer.pictures.base64_text import Base64Text
from transformer.pictures.picture import Pixels

SMALLEST = 4  # pixels of a box; of a smaller one nothing can be seen


@dataclass(frozen=True, slots=True)
class Placed:
    """Where faces are by their points: boxes `[F,4]` as the detector has them."""

    boxes: Floats  # [F, 4], x0 y0 x1 y1
    turns: NDArray[np.int16]  # [F], quarters counter-clockwise that turn each upright
    leans: Floats  # [F], degrees more, 0 where that is not worth it

    def select(self, index: NDArray) -> "Placed":
        return Placed(self.boxes[index], self.turns[index], self.leans[index])


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
    content: bytes | Base64Text | Pixels, placed: Placed, landmarks: LandmarkSet, finder: FaceFinder
) -> tuple[DetectedFaces, NDArray[np.intp]]:
    """Crop the faces that can be where they are placed; which of them: their rows.

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
        placed = placed.select(rows)
        squares, crops = crop_faces(
            picture, picture.small, picture.scale, placed.boxes, placed.turns, landmarks
        )
    found = DetectedFaces(
        clip_boxes(placed.boxes, picture),
        np.ones(len(rows), np.float32),
        placed.turns,
        squares,
        crops,
        size=picture.size,
        leans=placed.leans,
        timings=timings,
    )
    return found, rows
