"""The landmark set: what a network's points are called, and what face it takes.

It is data of a model and lies beside the weights: in an artifact's manifest, or in a
small JSON file next to a checkpoint. The predictor publishes it in the model's
configuration, from where the transformer and clients learn it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

POINT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MOST_POINTS = 1000
SIDES = range(16, 257, 16)  # pixels; the network halves its face four times
CROP_SCALES = (0.25, 4.0)


class LandmarkError(ValueError):
    """It is no landmark set; the message is a clause that begins with where it was read."""


@dataclass(frozen=True, slots=True)
class LandmarkSet:
    """K points of a face, in the order of the network's outputs."""

    points: tuple[str, ...]
    """Their names."""
    mirror: tuple[tuple[str, str], ...]
    """Pairs that change places in a mirrored image; a point of none lies in the middle."""
    unit: tuple[str, str]
    """The two whose distance errors are divided by."""
    side: int
    """Pixels of the square face that the network takes."""
    crop_scale: float
    """Side of the crop over the geometric mean of the detector's box."""

    def __len__(self) -> int:
        return len(self.points)

    @property
    def digest(self) -> str:
        """A short name of exactly this set, by which answers tell it from any other."""
        return make_digest(self)

    @property
    def mirrored(self) -> tuple[int, ...]:
        """For each point of a mirrored image the one whose place it takes, `[K]`."""
        other = {a: b for pair in self.mirror for a, b in (pair, pair[::-1])}
        return tuple(self.points.index(other.get(name, name)) for name in self.points)

    @property
    def unit_points(self) -> tuple[int, int]:
        """The positions of the two points that normalise errors."""
        first, second = self.unit
        return self.points.index(first), self.points.index(second)

    def describe(self) -> dict[str, Any]:
        """Write the set as `read_landmarks` takes it."""
        return asdict(self)


@lru_cache  # every answer is compared by it
def make_digest(landmarks: LandmarkSet) -> str:
    """Make the name out of all that the set says."""
    text = json.dumps(asdict(landmarks), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_landmarks(content: object, place: object) -> LandmarkSet:
    """Read a set from parsed JSON; raises LandmarkError with one clause that names the place."""
    keys = list(LandmarkSet.__dataclass_fields__)
    if not isinstance(content, Mapping):
        raise LandmarkError(f"{place} holds no landmark set")
    for key in (*keys, *content):
        if key not in content or key not in keys:
            what = "lacks" if key in keys else "has an unknown key"
            raise LandmarkError(f"the landmark set of {place} {what} '{key}'")
    try:
        points = read_points(content["points"])
        return LandmarkSet(
            points,
            read_mirror(content["mirror"], points),
            read_unit(content["unit"], points),
            read_side(content["side"]),
            read_scale(content["crop_scale"]),
        )
    except LandmarkError as error:
        raise LandmarkError(f"the landmark set of {place} {error}") from None


def read_points(names: object) -> tuple[str, ...]:
    """Check the names of the points."""
    if not isinstance(names, list | tuple) or not names:
        raise LandmarkError("has no points")
    if len(names) > MOST_POINTS:
        raise LandmarkError(f"has {len(names)} points; {MOST_POINTS} are the most")
    for i, name in enumerate(names):
        if not isinstance(name, str) or not POINT_NAME.fullmatch(name):
            raise LandmarkError(f"names a point {str(name)[:80]!r}; {POINT_NAME.pattern} is a name")
        if name in names[:i]:
            raise LandmarkError(f"names two points '{name}'")
    return tuple(names)


def read_mirror(pairs: object, points: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Check the pairs that a mirror swaps: each of two points, no point in two pairs."""
    if not isinstance(pairs, list | tuple):
        raise LandmarkError("has no list of mirror pairs")
    seen: set[str] = set()
    found = []
    for pair in pairs:
        first, second = read_pair(pair, points, "mirrors")
        for name in (first, second):
            if name in seen:
                raise LandmarkError(f"mirrors '{name}' in two pairs")
            seen.add(name)
        found.append((first, second))
    return tuple(found)


def read_unit(pair: object, points: tuple[str, ...]) -> tuple[str, str]:
    """Check the two points that normalise errors."""
    return read_pair(pair, points, "measures errors by")


def read_pair(pair: object, points: tuple[str, ...], verb: str) -> tuple[str, str]:
    """Check that this is a pair of two different points of the set."""
    if not isinstance(pair, list | tuple) or len(pair) != 2 or pair[0] == pair[1]:
        raise LandmarkError(f"{verb} {str(pair)[:80]}, which is no pair of points")
    for name in pair:
        if name not in points:
            raise LandmarkError(f"{verb} {str(name)[:80]!r}, which is none of its points")
    return pair[0], pair[1]


def read_side(side: object) -> int:
    """Check the side of the face."""
    if type(side) is not int or side not in SIDES:
        limits = f"a multiple of {SIDES.step} from {SIDES.start} to {SIDES.stop - 1} pixels"
        raise LandmarkError(f"has the side {str(side)[:20]}; it needs {limits}")
    return side


def read_scale(scale: object) -> float:
    """Check the scale of the crop."""
    least, most = CROP_SCALES
    if type(scale) not in (int, float) or not least <= scale <= most:  # type: ignore[operator]
        limits = f"a number from {least:g} to {most:g}"
        raise LandmarkError(f"has the crop scale {str(scale)[:20]}; it needs {limits}")
    return float(scale)  # type: ignore[arg-type]


def write_parameters(landmarks: LandmarkSet) -> dict[str, str]:
    """Write a set as parameters of a model's configuration, whose values are text."""
    return {key: json.dumps(value) for key, value in landmarks.describe().items()}


def read_parameters(parameters: Mapping[str, str], place: object) -> LandmarkSet:
    """Read what write_parameters wrote, other parameters aside; raises LandmarkError."""
    keys = LandmarkSet.__dataclass_fields__
    try:
        content = {key: json.loads(parameters[key]) for key in keys if key in parameters}
    except ValueError:
        raise LandmarkError(f"the landmark set of {place} is no JSON") from None
    return read_landmarks(content, place)
