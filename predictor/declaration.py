"""model.json: what a network is, what goes in, what comes out; all of it has defaults.

    python -m predictor.declaration

writes its JSON schema, docs/model.schema.json.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.landmarks import (
    Five,
    LandmarkError,
    LandmarkSet,
    Pair,
    PointName,
    explain,
    read_landmarks,
)

Numbers = Annotated[tuple[float, ...], Field(min_length=1, max_length=4)]
Side = Annotated[int, Field(ge=8, le=1024, strict=True)]
SCHEMA = Path("docs/model.schema.json")
NAMED = {"points", "mirror", "unit", "five", "mean_face"}  # keys that a landmark set has as well


class DeclarationError(ValueError):
    """The folder cannot be taken for a network; the message is one sentence with the next step."""


class Part(BaseModel):
    """A part of model.json; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Input(Part):
    """What the network takes: faces `[N,C,H,W]`."""

    side: Side | tuple[Side, Side] | None = None
    """Pixels of the face, or [height, width]; null: what the file says, else 96."""
    color: Literal["grey", "rgb", "bgr"] | None = None
    """Channels; null: grey, or rgb where the network takes three."""
    range: tuple[float, float] = (0, 1)
    """What pixels of 0 and 255 become, before mean and std."""
    mean: Numbers = (0,)
    """Subtracted, one number or one per channel."""
    std: Numbers = (1,)
    """Divided by, one number or one per channel."""
    layout: Literal["NCHW", "NHWC"] | None = None
    """Order of the axes; null: NCHW, or NHWC where the file's last axis holds the channels."""


class Crop(Part):
    """Where the square lies about the detector's box."""

    scale: float = Field(1.13, ge=0.25, le=4)
    """Side of the square over the size of the box."""
    offset: tuple[float, float] = (0, 0)
    """Shift of its centre to the right and down, over the size of the box."""
    by: Literal["area", "longer"] = "area"
    """Size of a box: the geometric mean of its sides, or the longer one."""
    level_eyes: bool = False
    """Whether the square is rotated until the eyes are level."""
    border: Literal["replicate", "black"] = "replicate"
    """What stands beyond the picture."""


class Output(Part):
    """What the network gives, and how points are read off it."""

    pick: int | str | None = None
    """Index or name of the output, where there are several; null: the one that fits."""
    score: int | str | None = None
    """Index or name of an output with one score per face or point, of a network of coordinates."""
    kind: Literal["heatmaps", "coordinates"] | None = None
    """Null: heatmaps `[N,K,h,w]`, or coordinates where the output has no such shape."""
    values: Literal["logits", "sigmoid", "heights", "probabilities"] | None = None
    """Heatmaps before a softmax over their pixels; before or after a sigmoid; Gaussians' heights;
    after a softmax. Null: guessed from the values on faces."""
    read: Literal["peak", "soft-argmax"] = "peak"
    """The highest pixel with a sub-pixel step, or the mean position."""
    unit: Literal["pixels", "relative", "signed"] | None = None
    """Of coordinates: pixels of the face, 0..1 or -1..1 over its side; null: pixels, where they can
    be."""


class Trust(Part):
    """Below which scores a face is looked at again, and is not to be trusted; null: measured."""

    doubt: float | None = Field(None, ge=0, le=1)
    low: float | None = Field(None, ge=0, le=1)


class Check(Part):
    """The author's own answer to one face."""

    face: str
    """Picture of a face as the network takes it, in the folder."""
    points: tuple[tuple[float, float], ...]
    """Its points in pixels of that picture, (0, 0) the centre of the top-left pixel."""
    tolerance: float = Field(1.0, gt=0)
    """How far the network's points may lie from them, in pixels of the network's face."""


class Declaration(Part):
    """A network: its code or graph, its weights, its faces and points."""

    network: str | None = None
    """`file.py:Class`, or a file of ONNX, TorchScript, torch.export or TFLite; null: found."""
    arguments: dict[str, Any] = {}
    """Keyword arguments of the class."""
    weights: str | None = None
    """Checkpoint of the class, or a part of it as in `last.pt:ema`; null: the one that is there."""
    input: Input = Input()
    crop: Crop = Crop()
    output: Output = Output()
    trust: Trust = Trust()
    check: Check | None = None
    points: tuple[PointName, ...] | None = Field(None, min_length=1, max_length=1000)
    """Names of the points; null: the default set's where the network has as many, else numbers."""
    mirror: tuple[Pair, ...] | None = None
    """Pairs of points that a mirrored image swaps."""
    unit: Pair | None = None
    """The two points whose distance normalises errors."""
    five: Five | None = None
    """Points whose means are the subject's right eye, left eye, nose tip, right and left corner of
    the mouth, for aligned crops, head pose and eye_distance; null: found by name."""
    mean_face: tuple[tuple[float, float], ...] | None = None
    """Where the points lie in a crop on average, x and y in shares of its side; null: the default
    set's where points and crop are its own, else not known."""


def read_declaration(path: Path) -> Declaration:
    """Read a model.json; raises DeclarationError with one sentence that names the key."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DeclarationError(f"{path} is not valid JSON: {error}.") from None
    try:
        declared = Declaration.model_validate(content)
    except ValidationError as error:
        raise DeclarationError(f"{path}: {explain(error, Declaration)}.") from None
    if declared.points:  # else they are named once the network is known
        named = declared.model_dump(include=NAMED)
        make_set({key: value for key, value in named.items() if value is not None}, path)
    return declared


def make_set(content: dict[str, Any], place: object) -> LandmarkSet:
    """Make a landmark set of what is declared; raises DeclarationError with one sentence."""
    try:
        return read_landmarks(content, place)
    except LandmarkError as error:
        raise DeclarationError(f"{error}.") from None


def declare_set(declaration: Declaration, landmarks: LandmarkSet) -> Declaration:
    """Take points and crop from a landmark set beside the checkpoint, as older releases had it."""
    taken = {key: getattr(landmarks, key) for key in NAMED}
    trust = landmarks.model_dump(include={"doubt", "low"} & landmarks.model_fields_set)
    taken |= {"trust": Trust(**trust), "input": Input(side=landmarks.side)}
    return declaration.model_copy(update=taken | {"crop": Crop(scale=landmarks.crop_scale)})


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(Declaration.model_json_schema(), indent=1) + "\n")
    print(SCHEMA)
