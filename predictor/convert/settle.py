"""Settle what a declaration leaves open, by trying the author's network on real faces."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.convert.author import Author, Named
from predictor.convert.code import tell
from predictor.declaration import DeclarationError, Input
from predictor.decode import Floats, Reader

SIDE = 96  # pixels, where neither the file nor the declaration says


def squash(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)), np.float32)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is known of a network's input and output."""

    size: tuple[int, int]  # height and width of the face
    color: str
    layout: str
    scale: Floats  # [C], what a pixel of 0..1 is multiplied by
    shift: Floats  # [C], what is added to it then
    batch: int = 0  # faces that it takes at once; 0: any number
    pick: str = ""
    score: str = ""
    points: int = 0
    swap: bool = False  # whether the maps' channels stand last, or the coordinates' x and y first
    stack: bool = False  # whether the last of several stacked sets of maps counts
    sigmoid: bool = False  # whether a sigmoid is still to be applied
    score_sigmoid: bool = False
    reader: Reader = field(default_factory=Reader)

    @property
    def channels(self) -> int:
        return 1 if self.color == "grey" else 3

    def prepare(self, faces: Floats) -> Floats:
        """Make of faces `[N,C,H,W]` 0..1, grey or RGB, what the author feeds the network with."""
        if self.color == "bgr":
            faces = faces[:, ::-1]
        scaled: NDArray = faces * self.scale[:, None, None] + self.shift[:, None, None]
        if self.layout == "NHWC":
            scaled = scaled.transpose(0, 2, 3, 1)
        return np.ascontiguousarray(scaled, np.float32)

    def finish(
        self, found: Mapping[str, Any], squash: Any = squash, join: Any = np.concatenate
    ) -> Any:
        """Make of the author's outputs heatmaps `[N,K,h,w]` or coordinates `[N,K,2|3]`.

        They are NumPy's arrays, or torch's tensors with its sigmoid and cat.
        """
        values = found[self.pick]
        if self.reader.kind == "coordinates":
            rows = (-1, self.points) if self.swap else (self.points, -1)
            points = values.reshape(values.shape[0], *rows)
            points = (points.swapaxes(1, 2) if self.swap else points)[..., :2]
            if not self.score:
                return points
            score = found[self.score].reshape(values.shape[0], -1, 1)
            score = score[:, [0] * self.points] if score.shape[1] == 1 else score
            return join([points, squash(score) if self.score_sigmoid else score], 2)
        values = values[:, -1] if self.stack else values
        values = values.swapaxes(2, 3).swapaxes(1, 2) if self.swap else values
        return squash(values) if self.sigmoid else values


def settle_input(author: Author, declared: Input, said: list[str]) -> list[Plan]:
    """List the plans of an input that fit the file and the declaration, the likeliest first."""
    shape = author.shape
    layout = declared.layout
    if "range" not in declared.model_fields_set:
        most = 255 if author.whole else 1
        known = {"mean", "std"} & declared.model_fields_set
        what = f"0..{most} before mean and std" if known else f"0..{most}, without mean and std"
        said.append(f'Pixels are taken to be {what}: "input": {{"range": [0, {most}]}}.')
        declared = declared.model_copy(update={"range": (0, most)})
    if shape is not None and len(shape) != 4:
        raise DeclarationError(f"The network's input has the shape {list(shape)}, not [N,C,H,W].")
    if layout is None:
        last = shape is not None and shape[3] in (1, 3) and shape[1] not in (1, 3)
        layout = "NHWC" if last else "NCHW"
    axes = (2, 3, 1) if layout == "NCHW" else (1, 2, 3)  # height, width, channels
    told = [shape[axis] if shape else -1 for axis in axes]
    side = declared.side
    size = (side, side) if isinstance(side, int) else side
    if size is None:
        size = (told[0], told[1]) if min(told[:2]) > 0 else (SIDE, SIDE)
        said.append(f'Faces are taken to be {size[0]}x{size[1]} pixels: "input": {{"side": ...}}.')
    for given, wanted in zip(size, told, strict=False):
        if wanted not in (-1, given):
            sides = f"{told[0]}x{told[1]} pixels, and input.side says {size[0]}x{size[1]}"
            raise DeclarationError(f"The network takes faces of {sides}.")
    numbers = max(len(declared.mean), len(declared.std))
    colors = [declared.color] if declared.color else ["rgb"] if numbers == 3 else ["grey", "rgb"]
    if told[2] > 0:
        colors = [color for color in colors if (1 if color == "grey" else 3) == told[2]]
    if not colors:
        text = f"The network takes {told[2]} channels; input.color is grey for 1, rgb or bgr for 3."
        raise DeclarationError(text)
    return [make_plan(declared, size, color, layout) for color in colors]


def make_plan(declared: Input, size: tuple[int, int], color: str, layout: str) -> Plan:
    """Bring range, mean and std to one factor and one summand per channel."""
    channels = 1 if color == "grey" else 3
    rows = []
    for name in ("mean", "std"):
        numbers = getattr(declared, name)
        if len(numbers) not in (1, channels):
            taken = "1" if channels == 1 else f"1 or {channels}"
            text = f"input.{name} has {len(numbers)} numbers; {color} takes {taken}."
            raise DeclarationError(text)
        rows.append(np.broadcast_to(np.array(numbers, np.float64), (channels,)))
    mean, std = rows
    low, high = declared.range
    if not np.all(std) or high == low:
        raise DeclarationError("input.std and the width of input.range must not be 0.")
    scale, shift = (high - low) / std, (low - mean) / std
    return Plan(size, color, layout, scale.astype(np.float32), shift.astype(np.float32))


def try_plans(author: Author, plans: list[Plan], faces: dict[int, Floats]) -> tuple[Plan, Named]:
    """Find the first plan that runs, its outputs too; `faces` has `[2,C,H,W]` by channels."""
    errors = []
    for plan in plans:
        given = plan.prepare(faces[plan.channels])
        try:
            alone = author.call(given[:1])
        except Exception as error:
            errors.append(f"{list(given[:1].shape)}: {tell(error)}")
            continue
        if not alone:
            raise DeclarationError("The network returns no tensor.")
        one = next(iter(alone.values()))
        squeezed = False
        try:
            found = author.call(given)
            two = next(iter(found.values()))
            squeezed = one.ndim < two.ndim
            same = np.allclose(two[:1], one, rtol=1e-3, atol=1e-3 * abs(one).max())
            if len(two) == 2 and same and not squeezed:
                return plan, found
        except Exception:
            pass
        if squeezed:
            raise DeclarationError(
                f"For one face the network gives {list(one.shape)}, without the axis of faces: "
                "it must not squeeze it away."
            )
        both = [author.call(given[i : i + 1]) for i in (0, 1)]
        joined = {name: np.concatenate([part[name] for part in both]) for name in both[0]}
        return replace(plan, batch=1), joined
    raise DeclarationError(
        f"The network does not take faces of {' or '.join(errors)}. "
        "Look at input.side, input.color and input.layout in model.json."
    )
