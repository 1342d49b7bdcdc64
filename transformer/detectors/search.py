"""The search of one picture: looks at views of it, and what they have found together."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from transformer.detectors.base import Detector, Floats
from transformer.detectors.boxes import Boxes, join_boxes, stack_boxes, turn_boxes_back
from transformer.detectors.scales import fit_size, place_tiles
from transformer.detectors.views import View, measure_scale, view_picture
from transformer.pictures.picture import Picture, Pixels

SMALL = 24  # pixels of a look: near a smaller box there may be faces that the look can't see
MOST = 128  # pixels of a tile: larger faces are the coarser scale's
TURNED = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
GAP = 32  # pixels between views that are looked at side by side
REACH = 0.5  # of the picture, how far beyond it a box may go: a network's size may be anything


class Search:
    """The search of one picture; `found` has what each look has found, doubtful boxes too."""

    def __init__(self, detector: Detector, picture: Picture):
        self.detector = detector
        self.picture = picture
        self.found: list[Boxes] = []

    def look(self, view: View, turn: int = 0) -> Boxes:
        """Look at a view, turned by quarters: its boxes, in pixels of the picture."""
        pixels = turn_pixels(view.pixels, turn)
        return self.add(view, turn, *self.detector.search(pixels, self.detector.doubt))

    def look_side_by_side(self, view: View, turns: Sequence[int]) -> None:
        """Look at a view in several ways up at once: each shape takes time to prepare."""
        parts = [turn_pixels(view.pixels, turn) for turn in turns]
        starts = np.cumsum([0, *(part.shape[1] + GAP for part in parts)])
        canvas = np.zeros((max(len(part) for part in parts), starts[-1] - GAP, 3), np.uint8)
        for part, start in zip(parts, starts[:-1], strict=True):
            canvas[: len(part), start : start + part.shape[1]] = part
        corners, scores = self.detector.search(canvas, self.detector.doubt)
        which = np.searchsorted(starts[1:-1] - GAP / 2, (corners[:, 0] + corners[:, 2]) / 2)  # [F]
        for i, turn in enumerate(turns):
            shift = np.array([starts[i], 0] * 2, np.float32)
            self.add(view, turn, corners[which == i] - shift, scores[which == i])

    def add(self, view: View, turn: int, corners: Floats, scores: Floats) -> Boxes:
        """Add boxes `[F,4]` in pixels of a turned view to what was found."""
        height, width = view.pixels.shape[:2]
        if turn:
            corners = turn_boxes_back(corners, turn, width, height)
        labels = np.full((2, len(scores)), [[turn], [len(self.found)]], np.int16)
        self.found.append(Boxes(view.map_to_picture(corners), scores, *labels))
        return self.found[-1]

    def look_closer(self, scales: list[int], turn: int, everywhere: bool) -> None:
        """Look at finer scales, from the second one on, as long as hints say that it helps."""
        for coarse, fine in pairwise(scales):
            hints = None
            if not everywhere:
                hints = self.find_hints(coarse, turn)
                if not len(hints):
                    return
            self.look_at_tiles(fine, turn, hints)

    def find_hints(self, pixels: int, turn: int) -> Boxes:
        """Find boxes that are small at a scale, but for those in a larger face that is sure."""
        boxes = stack_boxes(self.found)
        boxes = boxes.select(boxes.turns == turn)
        sizes = boxes.measure_sizes()
        hints = boxes.select(sizes < SMALL * measure_scale(self.picture, pixels))
        for i in np.flatnonzero(boxes.scores >= self.detector.sure):
            within = lie_in(hints, boxes.corners[i]) & (hints.measure_sizes() < sizes[i] / 2)
            hints = hints.select(~within)
        return hints

    def look_at_tiles(self, pixels: int, turn: int, hints: Boxes | None) -> None:
        """Look at a scale of so many pixels tile by tile, only where hints lie if they are given.

        Of a face that a tile's border cuts a neighbour has the whole, or the coarser scale.
        """
        size = fit_size(self.picture.width, self.picture.height, pixels)
        scale = np.array((self.picture.width, self.picture.height) * 2) / (size * 2)
        whole: View | None = None
        for tile in place_tiles(*size):
            if hints is not None and not lie_in(hints, np.multiply(tile, scale)).any():
                continue
            whole = whole or view_picture(self.picture, pixels)
            boxes = self.look(whole.cut(tile, size), turn)
            beyond = (boxes.corners / scale - tile) * (-1, -1, 1, 1) > -1  # [F, 4], a tile's sides
            cut = (beyond & (np.array(tile) != (0, 0, *size))).any(axis=1)
            self.found[-1] = boxes.select(~cut & (boxes.measure_sizes() < MOST * scale[0]))

    def is_sure(self) -> bool:
        """Whether some look has found a face that is surely upright."""
        return any((boxes.scores >= self.detector.sure).any() for boxes in self.found)

    def join(self, min_score: float) -> Boxes:
        """Join what all looks have found: each face once, the best first."""
        boxes = stack_boxes(self.found)
        boxes = boxes.select(boxes.scores >= min_score)
        if len(self.found) > 1:
            boxes = join_boxes(boxes)
        extent = np.array([self.picture.width, self.picture.height] * 2, np.float32)
        boxes.corners = np.clip(boxes.corners, -REACH * extent, (1 + REACH) * extent)
        return boxes


def lie_in(boxes: Boxes, part: NDArray) -> NDArray[np.bool_]:
    """Tell which boxes have their middle in a part `[4]` of the picture, `[F]`."""
    middle = (boxes.corners[:, :2] + boxes.corners[:, 2:]) / 2
    return np.all((middle >= part[:2]) & (middle < part[2:]), axis=1)


def turn_pixels(pixels: Pixels, turn: int) -> Pixels:
    """Turn pixels `[h,w,3]` by quarters, counter-clockwise."""
    return np.asarray(cv2.rotate(pixels, TURNED[turn]), np.uint8) if turn else pixels
