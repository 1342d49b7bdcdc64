"""A request's own choices: how closely to look for faces, and which of them to answer."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.contract import ALIGNED, ALIGNED_MAPS, FACE, OWN_BOXES
from serving.errors import InvalidRequest
from serving.messages import InferenceRequest, check_parameters
from transformer.crops.crop import Floats
from transformer.detectors.scales import LEVELS
from transformer.settings import TransformerSettings

Rank = Callable[[Floats, Floats], NDArray]
ORDERS: dict[str, Rank] = {  # what boxes [F, 4] and scores [F] are sorted by
    "score": lambda boxes, scores: -scores,
    "size": lambda boxes, scores: -np.prod(boxes[:, 2:] - boxes[:, :2], axis=1),
    "left_to_right": lambda boxes, scores: boxes[:, 0] + boxes[:, 2],
}


FLAGS = {"false": False, "true": True}
SEARCHED = ("detect", "min_score", "min_face", "max_faces", "order", "search")  # of a search
ALIGNING = ("template", "aligned_side")  # of the outputs `aligned` and `aligned_maps`


@dataclass(frozen=True, slots=True)
class Choices:
    """What a request wants of the faces in each of its pictures."""

    detect: str = "default"  # one of LEVELS
    min_score: float | None = None  # of a box; None: the detector's own
    min_face: float = 0.0  # a box's longer side in percent of the picture's
    max_faces: int = 1024
    order: str = "score"  # one of ORDERS
    search: bool = False  # for more faces, where those of the frame before are followed

    def find_large(self, boxes: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
        """Find the boxes `[F,4]` that are large enough in a picture of this size."""
        sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)  # [F]
        return sides >= self.min_face / 100 * max(size)

    def choose(self, boxes: Floats, scores: Floats) -> NDArray[np.intp]:
        """Choose the faces to answer, `[F,4]` and `[F]`: their numbers, in the order wanted.

        Of too many the largest stay where that is the order, else the best-scored.
        """
        best = ORDERS["size" if self.order == "size" else "score"]
        kept = np.argsort(best(boxes, scores), kind="stable")[: self.max_faces]
        return kept[np.argsort(ORDERS[self.order](boxes[kept], scores[kept]), kind="stable")]


NO_CHOICES = Choices()


def check_used(request: InferenceRequest, outputs: Sequence[str]) -> None:
    """Check that each parameter does something beside these inputs and outputs."""
    accepted = ["model"]
    if request.inputs.keys().isdisjoint({FACE.name, OWN_BOXES.name}):
        accepted += SEARCHED
    if {ALIGNED.name, ALIGNED_MAPS.name} & set(outputs):
        accepted += ALIGNING
    check_parameters(request.parameters, accepted)


def read_choices(parameters: Mapping[str, object], settings: TransformerSettings) -> Choices:
    """Read a request's choices, numbers also as text; raises InvalidRequest."""
    most = settings.max_picture_faces
    detect = read_name(parameters, "detect", LEVELS, settings.detect)
    order = read_name(parameters, "order", ORDERS, "score")
    min_score = read_number(parameters, "min_score")
    if min_score is not None and not 0 < min_score < 1:
        raise InvalidRequest("The parameter 'min_score' needs a number between 0 and 1.")
    min_face = read_number(parameters, "min_face") or 0.0
    if not 0 <= min_face <= 100:
        raise InvalidRequest("The parameter 'min_face' needs percent from 0 to 100.")
    max_faces = read_number(parameters, "max_faces")
    if max_faces is not None and not (max_faces % 1 == 0 and 1 <= max_faces <= most):
        raise InvalidRequest(f"The parameter 'max_faces' needs a whole number from 1 to {most}.")
    search = read_name(parameters, "search", FLAGS, "false")
    return Choices(detect, min_score, min_face, int(max_faces or most), order, FLAGS[search])


def read_name(
    parameters: Mapping[str, object], name: str, accepted: Iterable[str], default: str
) -> str:
    """Read a parameter that is one of some names."""
    value = parameters.get(name, default)
    value = str(value).lower() if isinstance(value, bool) else value
    if not isinstance(value, str) or value not in accepted:
        raise InvalidRequest(f"The parameter '{name}' needs one of {', '.join(accepted)}.")
    return value


def read_number(parameters: Mapping[str, object], name: str) -> float | None:
    """Read a number, None where there is none; NaN, which fits no range, where it is not one."""
    value = parameters.get(name)
    return None if value is None else to_number(value)


def to_number(value: object) -> float:
    """Make a number of one, or of its text; NaN of anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    try:
        if isinstance(value, str) and not (value.isascii() and "_" not in value):
            return math.nan  # Python reads more as a number than others do
        return float(value)
    except (ValueError, OverflowError):
        return math.nan
