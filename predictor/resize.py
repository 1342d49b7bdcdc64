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


def resize_faces(faces: NDArray, size: tuple[int, int], channels: int = 1) -> NDArray:
    """Make faces `[N,H,W,1|3]` (RGB) as a network takes them, `[N,C,*size]` of 1 or 3 channels.

    They are stretched to height and width of `size`: shrunk by area averages, enlarged linearly,
    as the transformer does its crops. UINT8 stays UINT8, floats become FP32; their range stays.
    """
    if faces.size > PIECE and len(faces) > 1:  # as floats they take four times the room
        step = max(1, PIECE * len(faces) // faces.size)
        pieces = [faces[i : i + step] for i in range(0, len(faces), step)]
        return np.concatenate([resize_faces(piece, size, channels) for piece in pieces])
    if faces.shape[1:3] == size and faces.shape[3] == channels and faces.dtype != np.float16:
        return faces.transpose(0, 3, 1, 2)
    values = faces.astype(np.float32).transpose(0, 3, 1, 2)  # [N, 1|3, H, W]
    if channels == 1 and values.shape[1] == 3:
        values = np.tensordot(values, LUMA, (1, 0))[:, None]  # [N, 1, H, W]
    for axis, length in ((2, size[0]), (3, size[1])):
        if values.shape[axis] != length:
            weights = weigh_pixels(values.shape[axis], length)
            values = weights @ values if axis == 2 else values @ weights.T
    if faces.dtype == np.uint8:
        values = np.rint(values).clip(0, 255).astype(np.uint8)
    if values.shape[1] < channels:  # a grey face for a network of colours
        values = np.repeat(values, channels, axis=1)
    return values  # [N, C, *size]


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


def scale_points(landmarks: Floats, size: tuple[int, int], height: int, width: int) -> Floats:
    """Map points `[N,K,2]` from pixels of the network's face to those of the caller's.

    In both frames (0, 0) is the centre of the top-left pixel, hence the halves.
    """
    if (height, width) == size:
        return landmarks
    scale = np.array([width / size[1], height / size[0]], np.float32)
    return (landmarks + 0.5) * scale - 0.5
