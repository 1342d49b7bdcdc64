"""Face boxes to the 96x96 crops that the network takes, and its points back."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.contract import FACE_SIDE
from transformer.picture import Pixels

Floats = NDArray[np.float32]

SIDE = 1.13  # times the geometric mean of the box's sides; what the network was trained on


@dataclass(frozen=True, slots=True)
class Square:
    """A square of whole pixels in the picture: left, top, side; it may reach beyond it."""

    left: int
    top: int
    side: int


def place_square(box: Floats) -> Square:
    """Place the crop of a box (x0, y0, x1, y1): the box's centre, SIDE times its size."""
    x0, y0, x1, y1 = (float(v) for v in box)
    side = max(2, round(SIDE * float(np.sqrt(max(1.0, (x1 - x0) * (y1 - y0))))))
    return Square(round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2), side)


def crop_face(pixels: Pixels, square: Square) -> NDArray[np.uint8]:
    """Cut a square out of `[H,W,3]` RGB or `[H,W]` grey: `[96,96]`, borders repeated beyond it."""
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(square.top, square.top + square.side), 0, height - 1)
    columns = np.clip(np.arange(square.left, square.left + square.side), 0, width - 1)
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    patch: NDArray = np.ascontiguousarray(pixels[y0:y1, x0:x1])
    if patch.ndim == 3:
        patch = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    if patch.shape != (square.side, square.side):
        patch = patch[(rows - y0)[:, None], columns - x0]
    shrinks = square.side > FACE_SIDE  # area averages, so that fine detail does not alias
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(patch, (FACE_SIDE, FACE_SIDE), interpolation=how).astype(np.uint8)


def map_to_crop(square: Square) -> Floats:
    """Make the affine `[2,3]` from pixels of the picture to pixels of an upright crop."""
    scale = FACE_SIDE / square.side
    shift = [(0.5 - start) * scale - 0.5 for start in (square.left, square.top)]
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)


def to_picture(landmarks: Floats, squares: list[Square]) -> Floats:
    """Map points `[F,15,2]` from pixels of the crops to pixels of their pictures.

    Both frames have (0, 0) in the centre of the top-left pixel, hence the halves.
    """
    scale = np.array([s.side / FACE_SIDE for s in squares], np.float32)[:, None, None]
    origin = np.array([(s.left, s.top) for s in squares], np.float32)[:, None, :]  # [F, 1, 2]
    return (landmarks + 0.5) * scale - 0.5 + origin
