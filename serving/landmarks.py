"""The landmark set: what a network's points are called, and what face it takes.

It is data of a model. The predictor publishes it in the model's configuration, from where
the transformer and clients learn it.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as validate

PointName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Pair = tuple[PointName, PointName]
Some = Annotated[tuple[PointName, ...], Field(min_length=1, max_length=100)]
Five = tuple[Some, Some, Some, Some, Some]

DIGEST = "digest"  # parameter of a model's configuration


class LandmarkError(ValueError):
    """The content is not a valid landmark set; the message starts with its place."""


class LandmarkSet(BaseModel):
    """K points of a face in the order of the network's outputs, and the crop that it takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    points: tuple[PointName, ...] = Field(min_length=1, max_length=1000)
    mirror: tuple[Pair, ...] = ()  # pairs that a mirrored image swaps; others lie in the middle
    unit: Pair | None = None  # the two points whose distance normalises errors
    # Points whose means are the subject's right eye, left eye, nose tip, right and left corner of
    # the mouth, as aligned crops, pose and eye_distance need them; None: found by name.
    five: Five | None = None
    side: int = Field(96, ge=16, le=1024, strict=True)  # of the square crop, in pixels
    color: Literal["grey", "rgb"] = "grey"  # channels of the crop
    crop_scale: float = Field(1.13, ge=0.25, le=4)  # its side over the size of the detector's box
    crop_offset: tuple[float, float] = (0.0, 0.0)  # its centre from the box's, over the box's size
    # The size of a box: the geometric mean of its sides, or the longer one.
    crop_by: Literal["area", "longer"] = "area"
    level_eyes: bool = False  # whether the crop is rotated until the eyes are level
    border: Literal["replicate", "black"] = "replicate"  # what stands beyond the picture
    maps: tuple[int, int] | None = None  # heatmaps' height, width; None: the crop's; 0, 0: none
    # Where the points lie in a crop on average, x and y in shares of its side; None: not known,
    # and the faces of a stream are detected in each frame.
    mean_face: tuple[tuple[float, float], ...] | None = None
    doubt: float = Field(0.75, ge=0, le=1)  # mean of points' scores; below, it is looked at again
    low: float = Field(0.7, ge=0, le=1)  # face score below which points should not be trusted

    @validate(mode="after")
    def check_points(self) -> "LandmarkSet":
        """Check that names are different, and that pairs are of two different points."""
        for name, number in Counter(self.points).items():
            if number > 1:
                raise ValueError(f"two points have the name '{name}'")
        if self.mean_face is not None:
            if len(self.mean_face) != len(self.points):
                raise ValueError(f"mean_face has {len(self.mean_face)} of {len(self)} points")
            if len(set(self.mean_face)) < 2:
                raise ValueError("mean_face needs two different places")
        for pair in (*self.mirror, *((self.unit,) if self.unit else ())):
            if pair[0] == pair[1]:
                raise ValueError(f"{list(pair)} is not a pair of two points")
            for name in pair:
                if name not in self.points:
                    raise ValueError(f"'{name}' in {list(pair)} is not one of the points")
        for name in (name for names in self.five or () for name in names):
            if name not in self.points:
                raise ValueError(f"'{name}' in 'five' is not one of the points")
        for name, number in Counter(name for pair in self.mirror for name in pair).items():
            if number > 1:
                raise ValueError(f"'{name}' is in two mirror pairs")
        return self

    def __len__(self) -> int:
        return len(self.points)

    @property
    def digest(self) -> str:
        """A short name of exactly this set, by which responses tell it from any other."""
        return make_digest(self)

    @property
    def mirrored(self) -> tuple[int, ...]:
        """For each point of a mirrored image the one whose place it takes, `[K]`."""
        other = {a: b for pair in self.mirror for a, b in (pair, pair[::-1])}
        return tuple(self.points.index(other.get(name, name)) for name in self.points)

    @property
    def unit_points(self) -> tuple[int, int]:
        """The positions of the two points that normalise errors: the first and last without any."""
        first, second = self.unit or (self.points[0], self.points[-1])
        return self.points.index(first), self.points.index(second)

    @property
    def channels(self) -> Literal[1, 3]:
        return 1 if self.color == "grey" else 3

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of the heatmaps; 0 for a network that gives coordinates."""
        return self.maps or (self.side, self.side)

    def describe(self) -> dict[str, Any]:
        """Write the set as `read_landmarks` takes it."""
        return self.model_dump(mode="json")


@lru_cache  # every response is compared by it
def make_digest(landmarks: LandmarkSet) -> str:
    """Make the digest of all that the set says."""
    text = json.dumps(landmarks.describe(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_landmarks(content: object, place: object) -> LandmarkSet:
    """Read a set from parsed JSON; raises LandmarkError with one clause that names the place."""
    try:
        return LandmarkSet.model_validate(content)
    except ValidationError as error:
        raise LandmarkError(f"the landmark set of {place}: {explain(error, LandmarkSet)}") from None


def explain(error: ValidationError, model: Any) -> str:
    """Write the first mistake that pydantic found as one clause: the key, and what is wrong."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        for part in first["loc"][:-1]:
            kind = model.model_fields[part].annotation
            model = next(each for each in (kind, *get_args(kind)) if hasattr(each, "model_fields"))
        return f"'{place}' is not a key; there are {', '.join(model.model_fields)}"
    message = first["msg"].removeprefix("Value error, ")
    return f"'{place}': {message[0].lower()}{message[1:]}" if place else message


def write_parameters(landmarks: LandmarkSet) -> dict[str, str]:
    """Write a set as parameters of a model's configuration, whose values are text."""
    content = landmarks.describe() | {DIGEST: landmarks.digest}
    return {key: json.dumps(value) for key, value in content.items()}


def read_digest(parameters: Mapping[str, str]) -> str:
    """Read the digest that write_parameters wrote, "" of a predictor that publishes none.

    It is compared and never computed by the reader: another release may know other fields.
    """
    return parameters.get(DIGEST, "").strip('"')


def read_parameters(parameters: Mapping[str, str], place: object) -> LandmarkSet:
    """Read what write_parameters wrote, other parameters aside; raises LandmarkError."""
    keys = LandmarkSet.model_fields
    try:
        content = {key: json.loads(parameters[key]) for key in keys if key in parameters}
    except ValueError:
        raise LandmarkError(f"the landmark set of {place} is not valid JSON") from None
    return read_landmarks(content, place)
