"""Faces of any size to the 96x96 that the network takes, with NumPy alone.

A resize is linear and its two axes are apart, so it is two products with small
matrices, for all faces of a request at once. That is exact, antialiased, takes uint8
and floats alike and spares the image a library: Pillow resizes one 8-bit picture at a
time, OpenCV is ten times the size of the rest.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from serving.contract import FACE_SIDE

Floats = NDArray[np.float32]

PIECE = 2**20  # values that are floats at one time
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601, what the crops are made with


def resize_faces(faces: NDArray) -> NDArray:
    """Make faces `[N,H,W,C]` of 1 or 3 (RGB) channels grey `[N,1,96,96]`.

    They are stretched to the square: shrunk by area averages, enlarged linearly, as the
    transformer does its crops. UINT8 stays UINT8, floats become FP32; their range stays.
    """
    if faces.size > PIECE and len(faces) > 1:  # as floats they take four times the room
        step = max(1, PIECE * len(faces) // faces.size)
        return np.concatenate(
            [resize_faces(faces[i : i + step]) for i in range(0, len(faces), step)]
        )
    _, height, width, channels = faces.shape
    values = faces.astype(np.float32)  # [N, H, W, C]
    grey: NDArray = values @ LUMA if channels == 3 else values[..., 0]  # [N, H, W]
    if (height, width) != (FACE_SIDE, FACE_SIDE):
        grey = weigh_pixels(height) @ grey @ weigh_pixels(width).T  # [N, 96, 96]
    if faces.dtype == np.uint8:
        grey = np.rint(grey).clip(0, 255).astype(np.uint8)
    return grey[:, None]  # [N, 1, 96, 96]


@lru_cache(64)
def weigh_pixels(side: int) -> Floats:
    """Give the weights `[96,side]` with which a side's pixels make up those of the face."""
    scale = side / FACE_SIDE
    pixels = np.arange(side)
    if scale > 1:  # a pixel of the face covers `scale` of them
        start = np.arange(FACE_SIDE)[:, None] * scale
        weights = np.minimum(pixels + 1, start + scale) - np.maximum(pixels, start)
    else:
        centre = ((np.arange(FACE_SIDE) + 0.5) * scale - 0.5).clip(0, side - 1)[:, None]
        weights = 1 - np.abs(pixels - centre)
    weights = weights.clip(0, None)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def scale_points(landmarks: Floats, height: int, width: int) -> Floats:
    """Map points `[N,15,2]` from pixels of the 96x96 face to those of the caller's.

    In both frames (0, 0) is the centre of the top-left pixel, hence the halves.
    """
    if (height, width) == (FACE_SIDE, FACE_SIDE):
        return landmarks
    scale = np.array([width / FACE_SIDE, height / FACE_SIDE], np.float32)
    return (landmarks + 0.5) * scale - 0.5
