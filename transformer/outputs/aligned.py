"""Aligned crops: faces moved, turned and scaled onto a template of five points."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.contract import FACE_SIDES
from serving.errors import InvalidRequest
from transformer.crops.crop import Floats, fit_similarity
from transformer.inputs.choices import read_number, to_number
from transformer.pictures.picture import Picture, Pixels, find_scale

# Pixels of the template, (0, 0) the centre of the first, in the order of five.NAMES.
ARCFACE = "38.2946,51.6963,73.5318,51.5014,56.0252,71.7366,41.5493,92.3655,70.7299,92.2041"
FFHQ = "96.4907,119.9735,159.4514,120.0968,128.3171,157.0075,100.6306,185.7052,156.5445,185.5756"
TEMPLATES = {
    "arcface112": (112, ARCFACE),  # insightface's: recognition
    "ffhq256": (256, FFHQ),  # half of facexlib's of 512: restoring and editing
}
SMALLEST, LARGEST = FACE_SIDES
ACCEPTED = f"one of {', '.join(TEMPLATES)}, or x,y of five points as ten numbers"
LEAST = 1e-4  # pixels of the crop for one of the picture, below which there is no face to see


@dataclass(frozen=True, slots=True)
class Template:
    """Where five points of a face lie in a square crop."""

    side: int
    points: Floats  # [5, 2]


def read_template(parameters: Mapping[str, object]) -> Template:
    """Read `template` and `aligned_side`; raises InvalidRequest with what is accepted."""
    given = parameters.get("template", "arcface112")
    side = read_number(parameters, "aligned_side")
    if side is not None and not (side % 1 == 0 and SMALLEST <= side <= LARGEST):
        text = f"The parameter 'aligned_side' needs a whole number from {SMALLEST} to {LARGEST}."
        raise InvalidRequest(text)
    if isinstance(given, str) and given in TEMPLATES:
        own, listed = TEMPLATES[given]
        scale = (side or own) / own
        return Template(int(side or own), (read_points(listed) + 0.5) * scale - 0.5)
    points = read_points(given)
    if side is None:
        raise InvalidRequest("A template of five points needs the parameter 'aligned_side', too.")
    return Template(int(side), points)


def read_points(given: object) -> Floats:
    """Read five points from ten numbers, a list or text with commas."""
    values = given[:1000].split(",") if isinstance(given, str) else given
    if not isinstance(values, list) or len(values) != 10:
        raise InvalidRequest(f"The parameter 'template' needs {ACCEPTED}.")
    points = np.array([to_number(value) for value in values]).reshape(5, 2)
    if not (np.abs(points) <= 4 * LARGEST).all():
        raise InvalidRequest(f"The parameter 'template' needs {ACCEPTED}.")
    if np.ptp(points, axis=0).max() < 1:
        raise InvalidRequest("The five points of 'template' are all in one place.")
    return points.astype(np.float32)


def fit_similarities(points: Floats, template: Floats) -> Floats:
    """Fit by least squares the `[F,2,3]` that move points `[F,5,2]` onto a template `[5,2]`."""
    start, end = (each.astype(np.float64) @ [1, 1j] for each in (points, template))  # [F, 5], [5]
    turn, shift = fit_similarity(start, end)  # [F] each
    rows = [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    return np.array(rows, np.float32).transpose(2, 0, 1)


def choose_reading(maps: Floats) -> int:
    """Choose the scale, 1/8 at most, at which a picture has the pixels of all its aligned crops."""
    largest = max(np.hypot(maps[:, 0, 0], maps[:, 1, 0]), default=1.0)
    return find_scale(lambda scale: scale * largest <= 1)


def cut_aligned(picture: Picture, maps: Floats, side: int) -> NDArray[np.uint8]:
    """Cut faces out of a picture by their affines `[F,2,3]`: `[F,S,S,3]` RGB; black beyond it."""
    crops = np.zeros((len(maps), side, side, 3), np.uint8)
    pixels, scale = picture.small, picture.scale
    x, y = picture.find_origin(scale)
    for crop, to_crop in zip(crops, maps.astype(np.float64), strict=True):
        move = to_crop[:, :2] @ [x + (scale - 1) / 2, y + (scale - 1) / 2] + to_crop[:, 2]
        affine = np.column_stack([scale * to_crop[:, :2], move])  # from pixels at the scale
        if np.hypot(*affine[:, 0]) >= LEAST:
            warp(pixels, affine, crop)
    return crops


def warp(pixels: Pixels, affine: NDArray[np.float64], crop: NDArray[np.uint8]) -> None:
    """Fill a crop `[S,S,3]` by an affine `[2,3]` from pixels; area averages where it shrinks."""
    side = len(crop)
    back = np.linalg.inv(affine[:, :2])
    corners = np.array([[-1, -1], [side, -1], [-1, side], [side, side]]) - affine[:, 2]
    seen = corners @ back.T
    step = max(1, int(1 / np.hypot(*affine[:, 0])))
    high, wide = pixels.shape[:2]
    x0, y0 = (int(v) for v in np.clip(np.floor(seen.min(axis=0)) - step, 0, [wide, high]))
    x1, y1 = (int(v) for v in np.clip(np.ceil(seen.max(axis=0)) + step + 1, 0, [wide, high]))
    if x0 >= x1 or y0 >= y1:
        return
    patch: NDArray = pixels[y0:y1, x0:x1]
    size = (max(1, (x1 - x0) // step), max(1, (y1 - y0) // step))
    factor = np.array([(x1 - x0) / size[0], (y1 - y0) / size[1]])
    if step > 1:
        patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
    move = affine[:, :2] @ ((factor - 1) / 2 + [x0, y0]) + affine[:, 2]
    cv2.warpAffine(patch, np.column_stack([affine[:, :2] * factor, move]), (side, side), crop)
