"""Faces of any size to the square that the network takes, with NumPy alone.

A resize is linear and its two axes are apart, so it is two products with small
matrices, for all faces of a request at once. That is exact, antialiased, takes uint8
and floats alike and spares the image a library: Pillow resizes one 8-bit picture at a
time, OpenCV is ten times the size of the rest.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

PIECE = 2**20  # values that are floats at one time
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601, what the crops are made with


def resize_faces(faces: NDArray, side: int) -> NDArray:
    """Make faces `[N,H,W,C]` of 1 or 3 (RGB) channels grey `[N,1,S,S]`.

    They are stretched to the square: shrunk by area averages, enlarged linearly, as the
    transformer does its crops. UINT8 stays UINT8, floats become FP32; their range stays.
    """
    if faces.size > PIECE and len(faces) > 1:  # as floats they take four times the room
        step = max(1, PIECE * len(faces) // faces.size)
        return np.concatenate(
            [resize_faces(faces[i : i + step], side) for i in range(0, len(faces), step)]
        )
    _, height, width, channels = faces.shape
    values = faces.astype(np.float32)  # [N, H, W, C]
    grey: NDArray = values @ LUMA if channels == 3 else values[..., 0]  # [N, H, W]
    if (height, width) != (side, side):
        grey = weigh_pixels(height, side) @ grey @ weigh_pixels(width, side).T  # [N, S, S]
    if faces.dtype == np.uint8:
        grey = np.rint(grey).clip(0, 255).astype(np.uint8)
    return grey[:, None]  # [N, 1, S, S]


@lru_cache(64)
def weigh_pixels(length: int, side: int) -> Floats:
    """Return the weights `[S,L]` with which L pixels make up the S of the face's side."""
    scale = length / side
    pixels = np.arange(length)
    if scale > 1:  # a pixel of the face covers `scale` of them
        start = np.arange(side)[:, None] * scale
        weights = np.minimum(pixels + 1, start + scale) - np.maximum(pixels, start)
    else:
        centre = ((np.arange(side) + 0.5) * scale - 0.5).clip(0, length - 1)[:, None]
        weights = 1 - np.abs(pixels - centre)
    weights = weights.clip(0, None)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def scale_points(landmarks: Floats, side: int, height: int, width: int) -> Floats:
    """Map points `[N,K,2]` from pixels of the network's face to those of the caller's.

    In both frames (0, 0) is the centre of the top-left pixel, hence the halves.
    """
    if (height, width) == (side, side):
        return landmarks
    scale = np.array([width / side, height / side], np.float32)
    return (landmarks + 0.5) * scale - 0.5
