"""Settle which of a network's outputs has the points, and what its values mean."""

from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from predictor.convert.author import Named
from predictor.convert.settle import Plan
from predictor.declaration import Declaration, DeclarationError
from predictor.decode import Floats, Reader
from predictor.landmarks import DEFAULT

HEIGHTS = (-1.0, 2.0)  # what networks trained on Gaussians of height 1 stay within
MOST = 1000  # points of a network
UNIT = 2.0  # coordinates that stay within it are no pixels of a face


class Found(NamedTuple):
    """How one output can be read."""

    name: str
    kind: Literal["heatmaps", "coordinates"]
    points: int
    swap: bool = False
    stack: bool = False


def settle_output(declared: Declaration, plan: Plan, found: Named, said: list[str]) -> Plan:
    """Choose the output by the declaration, or the one that fits the points."""
    wanted = declared.output
    points = len(declared.points) if declared.points else 0
    reads = (read_shape(n, v, points, wanted.kind, plan.layout) for n, v in found.items())
    fitting = [read for read in reads if read]
    shapes = (f"{name} {['N', *v.shape[1:]]}" for name, v in found.items())
    listing = ", ".join(shapes).replace("'", "")
    if wanted.pick is not None:
        name = find_name(wanted.pick, found, "output.pick", listing)
        fitting = [read for read in fitting if read.name == name]
    if not fitting:
        named = f"{points} points are named" if points else "no points are named"
        raise DeclarationError(
            f"The network's outputs are {listing}; {named}, so none is read as "
            f"{wanted.kind or 'heatmaps or coordinates'}: look at points and output in model.json."
        )
    read = choose(fitting, found, listing, said) if len(fitting) > 1 else fitting[0]
    own = wanted.score
    score = "" if own is None else find_name(own, found, "output.score", listing)
    if read.kind == "heatmaps" and score:
        raise DeclarationError("output.score is for networks of coordinates; heatmaps have scores.")
    reader = Reader(kind=read.kind, read=wanted.read, unit=wanted.unit or "pixels")
    plan = replace(plan, pick=read.name, points=read.points, swap=read.swap, stack=read.stack)
    return replace(plan, score=score, reader=reader)


def find_name(pick: int | str, found: Named, key: str, listing: str) -> str:
    """Find an output by its position or name."""
    names = list(found)
    if isinstance(pick, int) and -len(names) <= pick < len(names):
        return names[pick]
    if pick in names:
        return str(pick)
    raise DeclarationError(f"{key} is {pick!r}; the network's outputs are {listing}.")


def read_shape(
    name: str, values: Floats, points: int, kind: str | None, layout: str
) -> Found | None:
    """Tell how an output can be read by its shape, None where it can't."""
    shape = values.shape[1:]
    stack = len(shape) == 4 and min(shape[2:]) > 1
    maps = shape[1:] if stack else shape
    if len(maps) == 3 and sorted(maps)[1] > 1 and kind != "coordinates":
        first, last = maps[0], maps[2]
        likely = points or len(DEFAULT)
        swap = last == likely if likely in (first, last) else layout == "NHWC"
        swap = swap and first != likely
        number = last if swap else first
        return Found(name, "heatmaps", number, swap, stack) if points in (0, number) else None
    total = int(np.prod(shape))
    if kind == "heatmaps" or total < 2:
        return None
    axes = [n for n in shape if n > 1]
    for number, each, swap in [(*axes, False), (*axes[::-1], True)] if len(axes) == 2 else ():
        if each in (2, 3) and points in (0, number):
            return Found(name, "coordinates", number, swap)
    if points:
        return Found(name, "coordinates", points) if total in (2 * points, 3 * points) else None
    fits = total % 2 == 0 and total <= 2 * MOST
    return Found(name, "coordinates", total // 2) if fits else None


def choose(fitting: list[Found], found: Named, listing: str, said: list[str]) -> Found:
    """Choose among several outputs: the last of alike ones in a list, or the default set's."""
    shapes = {found[read.name].shape for read in fitting}
    if len(shapes) == 1 and all(read.name.isdecimal() for read in fitting):
        said.append(f'The last of the outputs {listing} is taken: "output": {{"pick": ...}}.')
        return fitting[-1]
    likely = [read for read in fitting if read.points == len(DEFAULT)]
    if len(likely) != 1:
        raise DeclarationError(
            f"The network's outputs are {listing}: name the one with the points in model.json, "
            f'as in "output": {{"pick": "{fitting[0].name}"}}.'
        )
    said.append(f'The output {likely[0].name} of {listing} is taken: "output": {{"pick": ...}}.')
    return likely[0]


def settle_values(declared: Declaration, plan: Plan, found: Named, said: list[str]) -> Plan:
    """Tell from values on faces what heatmaps mean, and hold the declaration against them."""
    if plan.score:
        score = found[plan.score]
        plan = replace(plan, score_sigmoid=bool(score.min() < 0 or score.max() > 1))
    values = plan.finish(found)
    if not np.isfinite(values).all():
        text = "The network gives NaN or infinite values on a face: look at input in model.json."
        raise DeclarationError(text)
    if plan.reader.kind == "coordinates":
        settle_unit(declared, values[..., :2], said)
        return plan
    (height, width), maps = plan.size, values.shape[2:]
    if height % maps[0] or width % maps[1]:
        said.append(
            f"Heatmaps of {maps[0]}x{maps[1]} are taken to cover the face of {height}x{width}: "
            "if they cover its middle, as convolutions without padding do, pad them in forward."
        )
    least, most = float(values.min()), float(values.max())
    sums = values.sum(axis=(2, 3))
    wanted, between = declared.output.values, f"between {least:.3g} and {most:.3g}"
    shares = least >= -1e-5 and bool(np.abs(sums - 1).max() < 1e-2)
    if wanted is None:
        inside = least >= -1e-4 and most <= 1 + 1e-4
        logits = least < HEIGHTS[0] or most > HEIGHTS[1]
        wanted = "probabilities" if shares else "logits" if logits and not inside else "heights"
        said.append(
            f'Heatmaps are taken for {wanted}, as on faces they lie {between}: "output": '
            f'{{"values": "{wanted}"}}.'
        )
    elif wanted == "probabilities" and not shares:
        text = f"output.values says probabilities, and a heatmap sums to {sums.flat[0]:.3g}, not 1."
        raise DeclarationError(text)
    elif wanted == "heights" and (least < HEIGHTS[0] or most > HEIGHTS[1]):
        text = f"output.values says heights, and the values lie {between}: are they logits?"
        raise DeclarationError(text)
    sigmoid = wanted == "sigmoid" and (least < 0 or most > 1)
    meaning = "heights" if wanted == "sigmoid" else wanted
    return replace(plan, sigmoid=sigmoid, reader=replace(plan.reader, values=meaning))


def settle_unit(declared: Declaration, points: Floats, said: list[str]) -> None:
    """Take coordinates for pixels only where they can be."""
    said.append("Coordinates are taken to be x, then y: turn rows and columns round in forward.")
    if declared.output.unit is not None:
        return
    if np.abs(points).max() <= UNIT:
        raise DeclarationError(
            f"The coordinates lie between {points.min():.3g} and {points.max():.3g}, too near for "
            'pixels: say in model.json "output": {"unit": "relative"} for 0..1 over the face, '
            '"signed" for -1..1, or "pixels" if they are that.'
        )
    said.append('Coordinates are taken to be pixels of the face: "output": {"unit": "pixels"}.')


def name_points(declared: Declaration, points: int, said: list[str]) -> tuple[str, ...]:
    """Name so many points: as declared, as the default set does, or by their numbers."""
    if declared.points:
        return declared.points
    if points == len(DEFAULT):
        said.append(f'The {points} points have the default set\'s names: "points": [...].')
        return DEFAULT.points
    said.append(f'The {points} points have numbers for names: "points": [...] names them.')
    return tuple(f"point_{i}" for i in range(points))
