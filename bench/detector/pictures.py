"""The pictures that detectors are compared on, and what is compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from predictor.engines.base import Engine
from predictor.landmarks import DEFAULT
from training.evaluate import measure_errors
from training.faces import FaceDataset, read_faces
from training.index import Floats, read_picture, read_rows
from transformer.crop import crop_face, place_square, to_picture
from transformer.detectors.base import Detector
from transformer.picture import Pixels

EYES = (60, 30, 20, 16, 12, 10, 8, 6)  # pixels between the outer eye corners, on the ladder
APART = 267  # what they are in the portraits of 1024x1024, on average
CANVAS = (480, 640)  # the picture that faces of a known truth are laid on, and that is timed
SAME = 0.4  # intersection over union from which two boxes show one face
LABELLED = ("canada", "helen")


@dataclass
class Counts:
    """How a detector's boxes of one set of pictures compare with the reference's."""

    faces: int = 0  # of the reference
    found: int = 0
    extra: int = 0  # that the reference has not
    overlaps: list[float] = field(default_factory=list)  # of the found ones


def read_sets(data: Path, eyes: Sequence[int] = EYES) -> dict[str, list[Pixels]]:
    """Read portraits and groups, and lay the portraits, made small, on grey: the ladder."""
    sets = {
        name: [read_picture(path) for path in sorted((data / "pictures" / name).glob("*.jpg"))]
        for name in ("portraits", "groups")
    }
    for apart in eyes:
        sets[f"eyes_{apart}"] = [shrink(p, apart) for p in sets["portraits"]]
    return sets


def shrink(portrait: Pixels, eyes: int) -> Pixels:
    """Lay a portrait with `eyes` pixels between the eye corners on a canvas of 640x640."""
    side = round(portrait.shape[0] * eyes / APART)
    small = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    return lay_on_grey(np.asarray(small, np.uint8), (640, 640))[0]


def lay_on_grey(pixels: Pixels, size: tuple[int, int]) -> tuple[Pixels, Floats]:
    """Lay a picture on the middle of a grey canvas (height, width): that, and where (x, y)."""
    canvas = np.full((*size, 3), 128, np.uint8)
    y, x = (size[0] - pixels.shape[0]) // 2, (size[1] - pixels.shape[1]) // 2
    canvas[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
    return canvas, np.array([x, y], np.float32)


def compare(boxes: Floats, wanted: Floats, counts: Counts) -> None:
    """Count which of the reference's boxes `[F,4]` were found."""
    counts.faces += len(wanted)
    if not len(boxes) or not len(wanted):
        counts.extra += len(boxes)
        return
    overlaps = measure_overlaps(wanted, boxes)  # [F, G]
    best = overlaps.max(axis=1)
    counts.found += int((best >= SAME).sum())
    counts.overlaps += list(best[best >= SAME])
    counts.extra += int((overlaps.max(axis=0) < SAME).sum())


def measure_overlaps(a: Floats, b: Floats) -> Floats:
    """Measure the intersection over union of boxes `[F,4]` with boxes `[G,4]`: `[F,G]`."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    sides = np.maximum(np.minimum(a[:, None, 2:], b[None, :, 2:]) - low, 0)
    both = sides[..., 0] * sides[..., 1]
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    return both / (areas[0][:, None] + areas[1][None] - both)


def measure_nme(detector: Detector, engine: Engine, faces: FaceDataset) -> tuple[float, int]:
    """Measure the landmarks' NME where the detector says the face is: mean, and faces lost.

    Each crop of 256x256 lies on the middle of a canvas, and its face in the middle of it.
    """
    found, truth = [], []
    known = engine.landmarks
    half = faces.frame.face / known.crop_scale / 2
    x, y = CANVAS[1] / 2, CANVAS[0] / 2
    middle = np.array([[x - half, y - half, x + half, y + half]], np.float32)
    for pixels, points in zip(faces.pictures, faces.points, strict=True):
        canvas, origin = lay_on_grey(pixels, CANVAS)
        boxes, _ = detector.detect(canvas)
        if not len(boxes):
            continue
        overlaps = measure_overlaps(boxes, middle)[:, 0]
        if overlaps.max() < SAME:
            continue
        square = place_square(boxes[overlaps.argmax()], known)
        landmarks, _ = engine.predict(crop_face(canvas, square, known)[None])
        found.append(to_picture(landmarks, [square], known.side)[0])
        truth.append(points + origin)
    if not found:
        return float("nan"), len(faces)
    errors = measure_errors(np.stack(found), np.stack(truth), known.unit_points)
    return float(errors.faces.mean()), len(faces) - len(found)


def read_labelled(data: Path) -> dict[str, FaceDataset]:
    """Read the faces whose landmarks are known."""
    rows = read_rows([data / "faces"])
    return {
        name: read_faces([row for row in rows if row[1]["set"] == name], DEFAULT)
        for name in LABELLED
    }
