"""Boxes of faces that several looks have found: how large they are, and which show one face."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transformer.detectors.base import Floats

OVERLAP = 0.3  # intersection over union above which two boxes show one face
INSIDE = 0.6  # share of the smaller box above which it lies within the other: a part of that face
GAIN = 0.05  # by how much a turned box must be better than an upright one of the same face


@dataclass(slots=True)
class Boxes:
    """Boxes of one picture."""

    corners: Floats  # [F, 4], x0 y0 x1 y1 in pixels of the picture
    scores: Floats  # [F]
    turns: NDArray[np.int16]  # [F], quarters counter-clockwise that turn each face upright
    looks: NDArray[np.int16]  # [F], which look found each: those of one have been compared

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, index: NDArray) -> "Boxes":
        """Select boxes by a mask `[F]` or by their numbers."""
        return Boxes(self.corners[index], self.scores[index], self.turns[index], self.looks[index])

    def measure_sizes(self) -> Floats:
        """Measure the geometric mean of each box's sides, `[F]`."""
        return np.sqrt(measure_areas(self.corners))


def stack_boxes(parts: Sequence[Boxes]) -> Boxes:
    """Put the boxes of several looks together."""
    rows = [(part.corners, part.scores, part.turns, part.looks) for part in parts]
    return Boxes(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def join_boxes(boxes: Boxes) -> Boxes:
    """Keep one box for each face, the best of those that overlap or lie within each other.

    A turned box must be better by GAIN. The boxes of one look go only where they overlap: there
    the network saw both at once.
    """
    boxes = boxes.select(np.argsort(GAIN * (boxes.turns != 0) - boxes.scores, kind="stable"))
    areas = measure_areas(boxes.corners)
    left, kept = np.arange(len(boxes)), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        both = measure_shared(boxes.corners[best], boxes.corners[left])
        smaller = np.minimum(areas[best], areas[left])
        inside = (both > INSIDE * smaller) & (boxes.looks[left] != boxes.looks[best])
        left = left[~inside & (both <= OVERLAP * (areas[best] + areas[left] - both))]
    joined = boxes.select(np.array(kept, np.intp))
    return joined.select(np.argsort(-joined.scores, kind="stable"))


def measure_gains(turned: Boxes, upright: Boxes) -> Floats:
    """Measure by how much more than GAIN turned boxes are better than upright ones there, `[F]`."""
    beaten = np.zeros(len(turned), np.float32)
    areas = measure_areas(upright.corners)
    for i, box in enumerate(turned.corners):
        both = measure_shared(box, upright.corners)
        same = both > INSIDE * np.minimum(areas, measure_areas(box[None]))
        beaten[i] = upright.scores[same].max(initial=0)
    return turned.scores - beaten - GAIN


def measure_areas(corners: Floats) -> Floats:
    """Measure the areas of boxes `[F,4]`."""
    return np.prod(np.maximum(corners[:, 2:] - corners[:, :2], 0), axis=1)


def measure_shared(one: Floats, others: Floats) -> Floats:
    """Measure the area that a box `[4]` shares with each of others `[F,4]`."""
    low = np.maximum(one[:2], others[:, :2])
    return np.prod(np.maximum(np.minimum(one[2:], others[:, 2:]) - low, 0), axis=1)


def turn_boxes_back(corners: Floats, turn: int, width: int, height: int) -> Floats:
    """Turn boxes `[F,4]` of a turned picture into those of the picture, `width` by `height`."""
    x, y = corners[:, ::2], corners[:, 1::2]  # [F, 2] each
    back = {0: (x, y), 1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[turn]
    pairs = np.stack(back, axis=2)  # [F, 2, 2]
    return np.concatenate([pairs.min(1), pairs.max(1)], axis=1).astype(np.float32)
