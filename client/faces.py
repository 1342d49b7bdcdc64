"""What a caller gets: faces with named points, and the picture they are in."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

Picture = str | Path | bytes  # a file's path, or what is in it


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


@dataclass(frozen=True, slots=True)
class Result(Sequence[Face]):
    """The faces of one picture, best-scored first; or `error`, why there is no answer."""

    name: str
    picture: Picture = field(repr=False)
    faces: tuple[Face, ...] = ()
    error: ServiceError | None = None

    @overload
    def __getitem__(self, index: int) -> Face: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Face, ...]: ...
    def __getitem__(self, index: int | slice) -> Face | tuple[Face, ...]:
        return self.faces[index]

    def __len__(self) -> int:
        return len(self.faces)

    def to_dict(self) -> dict[str, Any]:
        return {"picture": self.name, "faces": [face.to_dict() for face in self.faces]}

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame with a row a point; needs pandas."""
        from .tables import to_dataframe

        return to_dataframe([self])

    def draw(self) -> Image:
        """Draw boxes and points onto the picture; raises PictureError, ServiceError."""
        from .overlay import draw_overlay

        return draw_overlay(read_picture(self.picture), list(self.faces))

    def _repr_png_(self) -> bytes | None:
        """Show the drawn picture in a notebook."""
        if self.error is not None:
            return None
        file = io.BytesIO()
        self.draw().save(file, "PNG")
        return file.getvalue()


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


def read_picture(picture: Picture) -> bytes:
    """Return a picture's bytes, read from its file unless they are there."""
    if isinstance(picture, bytes):
        return picture
    try:
        return Path(picture).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or error
        raise ServiceError("unreadable", f"{picture}: {reason}.") from None
