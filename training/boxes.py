"""Boxes of faces: those of index.csv, the service's own detector's, or one about the points."""

from collections import Counter
from functools import cached_property

import numpy as np

from predictor.convert.faces import LOOSE_SCALE
from training import Bytes, DataError, Floats
from training.index import BOX, DETECTED, Row, read_box
from transformer.detectors import DetectorError
from transformer.detectors.way_up import find_faces
from transformer.faces import FaceFinder
from transformer.inputs.choices import NO_CHOICES
from transformer.pictures.picture import Picture
from transformer.settings import TransformerSettings

GROWN = 1.6  # a box's side over the extent of the points in it, where no detector helps


class BoxFinder:
    """Finds the box of each labelled face, and counts how."""

    missing = ""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def find(self, picture: Bytes, row: Row, points: Floats) -> Floats:
        """Find the box x0, y0, x1, y1 of the face whose known points are `[M,2]`."""
        how, box = self.choose(picture, row, points)
        self.found[how] += 1
        return box

    def choose(self, picture: Bytes, row: Row, points: Floats) -> tuple[str, Floats]:
        if all(row.get(name) for name in BOX):
            return "index.csv", read_box(row)
        if any(name.startswith(DETECTED) for name in row):
            middle = len(picture) / 2
            return "the crop's middle", surround(np.full(2, middle), middle / LOOSE_SCALE)
        boxes = self.detector.detect(picture) if self.detector else np.empty((0, 4))
        inside = ((points >= boxes[:, None, :2]) & (points <= boxes[:, None, 2:])).all(-1)
        shares = inside.mean(1)  # [F]
        if shares.max(initial=0) > 0.5:
            return "the detector", boxes[int(shares.argmax())]
        low, high = points.min(0), points.max(0)
        box = surround((low + high) / 2, GROWN * float(np.max(high - low)) / 2)
        return "the points' extent", box

    @cached_property
    def detector(self) -> "Detector | None":
        """The service's detector, where there is one; `missing` says why not."""
        try:
            return Detector()
        except DataError as error:
            self.missing = str(error)
            return None

    def report(self) -> None:
        """Say where the boxes came from, where that is not index.csv alone."""
        if set(self.found) - {"index.csv", "the crop's middle"}:
            counts = ", ".join(f"{count} by {how}" for how, count in self.found.items())
            print(f"boxes: {counts}. {self.missing}".strip())


class Detector:
    """Finds upright faces as the service does, by its own detector and its settings."""

    def __init__(self) -> None:
        try:
            self.finder = FaceFinder(TransformerSettings(any_way_up=False))
        except DetectorError as error:
            raise DataError(str(error)) from None

    def detect(self, picture: Bytes) -> Floats:
        """Detect the faces of an RGB picture `[H,W,3]`: boxes `[F,4]` in its pixels."""
        whole, finder = Picture.of_pixels(picture), self.finder
        found = find_faces(finder.detector, whole, NO_CHOICES, finder.settings)
        return np.asarray(found.corners, float)


def surround(middle: Floats, half: float) -> Floats:
    """Make the square box `[4]` about a place `[2]`."""
    return np.concatenate([middle - half, middle + half])
