"""What the service finds in a picture: faces with named points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ServiceError(RuntimeError):
    """The service refused, failed or could not be reached; the message says which."""

    def __init__(self, code: str, message: str, retry_after: float | None = None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.retry_after = retry_after  # seconds, where the service says when to come back


@dataclass(frozen=True, slots=True)
class Point:
    """A landmark in pixels of the upright picture (x right, y down), score in 0..1."""

    name: str
    x: float
    y: float
    score: float


@dataclass(frozen=True, slots=True)
class Face:
    """A face: its box (x0, y0, x1, y1) in pixels of the upright picture, and its points.

    `score` is the detector's; `trust`, 0..1, says how far the points can be trusted: below 0.7
    better not. A service that doesn't say leaves it None.
    """

    box: tuple[float, float, float, float]
    score: float
    points: tuple[Point, ...]
    trust: float | None = None

    def __getitem__(self, name: str) -> Point:
        """Return the point of this name."""
        for point in self.points:
            if point.name == name:
                return point
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def make_faces(arrays: Mapping[str, NDArray], names: Sequence[str]) -> list[Face]:
    """Make faces of the service's outputs `landmarks`, `scores`, `boxes`, `box_scores` and
    `face_scores`, if it is there.

    `names` are those of the points, in the order of `landmarks`.
    """
    faces = []
    columns = [arrays[name] for name in ("boxes", "box_scores", "landmarks", "scores")]
    trusts = arrays.get("face_scores", [None] * len(columns[0]))
    for box, box_score, landmarks, scores, trust in zip(*columns, trusts, strict=True):
        named = zip(names, landmarks, scores, strict=True)
        points = tuple(
            Point(name, round2(x), round2(y), round(float(score), 3))
            for name, (x, y), score in named
        )
        x0, y0, x1, y1 = map(round2, box)
        known = None if trust is None else round(float(trust), 3)
        faces.append(Face((x0, y0, x1, y1), round(float(box_score), 3), points, known))
    return faces


def round2(value: np.floating) -> float:
    """Round to hundredths: finer than any landmark is known."""
    return round(float(value), 2)
