"""What a caller gets: faces with named points."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ServiceError(RuntimeError):
    """The service refused, failed or could not be reached; the message says which."""

    def __init__(self, code: str, message: str):
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Point:
    """A landmark in pixels of the upright picture (x right, y down), score in 0..1."""

    name: str
    x: float
    y: float
    score: float


@dataclass(frozen=True, slots=True)
class Face:
    """A face: its box (x0, y0, x1, y1) in pixels of the upright picture, and its points."""

    box: tuple[float, float, float, float]
    score: float
    points: tuple[Point, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def make_faces(arrays: Mapping[str, NDArray], names: Sequence[str]) -> list[Face]:
    """Make faces of the service's outputs `landmarks`, `scores`, `boxes`, `box_scores`.

    `names` are those of the points, in the order of `landmarks`.
    """
    faces = []
    rows = zip(
        arrays["boxes"], arrays["box_scores"], arrays["landmarks"], arrays["scores"], strict=True
    )
    for box, box_score, landmarks, scores in rows:
        named = zip(names, landmarks, scores, strict=True)
        points = tuple(
            Point(name, round2(x), round2(y), round(float(score), 3))
            for name, (x, y), score in named
        )
        x0, y0, x1, y1 = map(round2, box)
        faces.append(Face((x0, y0, x1, y1), round(float(box_score), 3), points))
    return faces


def round2(value: np.floating) -> float:
    """Round to hundredths: finer than any landmark is known."""
    return round(float(value), 2)
