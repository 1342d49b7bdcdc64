"""What the service finds in a picture: faces with named points."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

USUAL = ("landmarks", "scores", "boxes", "box_scores", "face_scores")  # outputs of every face
Picture = str | Path | bytes  # a file's path, or what is in it
LOW = 0.7  # the face_score below which points can't be trusted, of a model that publishes none


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
    """A face: its box (x0, y0, x1, y1) in pixels of the upright picture, and its K points.

    `box_score` is the detector's. `face_score`, 0..1, says how far the points can be trusted, and
    `trusted` whether that is as much as the model asks for. `extras` has the face's part of each
    further output that was asked for: a number or a list, of `aligned` the bytes of its RGB pixels.
    """

    box: tuple[float, float, float, float]
    box_score: float
    points: tuple[Point, ...]
    face_score: float
    trusted: bool
    extras: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Point:
        """Return the point of this name."""
        return {point.name: point for point in self.points}[name]

    def to_dict(self) -> dict[str, Any]:
        """Write it as JSON has it: further outputs under their names, pixels left out."""
        content = asdict(self)
        extras = content.pop("extras")
        return content | {n: value for n, value in extras.items() if not isinstance(value, bytes)}


@dataclass(frozen=True, slots=True)
class Result:
    """The faces of one picture, best-scored first; or `error`, why there is no answer.

    `drawing` is the picture with its points as a PNG, where it was asked for; `sent` the size at
    which the picture went, wide and high, where that is not its own.
    """

    name: str
    picture: Picture = field(repr=False)
    faces: tuple[Face, ...] = ()
    drawing: bytes | None = field(default=None, repr=False)
    error: ServiceError | None = None
    sent: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[Face]:
        return iter(self.faces)

    def __getitem__(self, index: int) -> Face:
        return self.faces[index]

    def __len__(self) -> int:
        return len(self.faces)

    def to_dict(self) -> dict[str, Any]:
        sent = {"sent": self.sent} if self.sent else {}
        return {"picture": self.name, "faces": [face.to_dict() for face in self.faces]} | sent

    def _repr_png_(self) -> bytes | None:
        """Show the drawing in a notebook."""
        return self.drawing


def make_faces(
    outputs: Mapping[str, Sequence[Any]], names: Sequence[str], low: float = LOW
) -> Iterator[Face]:
    """Yield F faces of K points, out of the service's outputs as flat lists.

    `landmarks` has F*K*2 values, `scores` F*K, `boxes` F*4, `box_scores` and `face_scores` F.
    `names` are those of the K points. Raises KeyError or ValueError where one doesn't fit.
    """
    scores, places, boxes = (outputs[name] for name in ("scores", "landmarks", "boxes"))
    pairs = list(zip(outputs["box_scores"], outputs["face_scores"], strict=True))
    sizes = [len(pairs) * len(names), 2 * len(pairs) * len(names), 4 * len(pairs)]
    if [len(scores), len(places), len(boxes)] != sizes:
        raise ValueError("The outputs are of different numbers of faces.")
    further = [name for name in outputs if name not in (*USUAL, "image_index", "face_ids")]
    for number, (box_score, face_score) in enumerate(pairs):
        points = tuple(
            Point(name, round(places[2 * i], 2), round(places[2 * i + 1], 2), round(scores[i], 3))
            for i, name in enumerate(names, start=number * len(names))
        )
        x0, y0, x1, y1 = (round(value, 2) for value in boxes[4 * number : 4 * number + 4])
        scored = round(box_score, 3), points, round(face_score, 3), face_score >= low
        extras: dict[str, Any] = {}  # by output a number, a list of them, or bytes
        for name in further:
            width = len(outputs[name]) // len(pairs)
            part = outputs[name][number * width : (number + 1) * width]
            extras[name] = part[0] if width == 1 else part
        yield Face((x0, y0, x1, y1), *scored, extras)
