"""Plain numbers about a face's picture; none of them is a judgement, and docs/api.md has bounds."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.landmarks import LandmarkSet
from transformer.crops.crop import Floats
from transformer.faces import DetectedFaces

SIDE = 84  # pixels to which a face is brought: the middle of a crop of 96 that is 1.13 its box


def measure_sharpness(found: Sequence[DetectedFaces], landmarks: LandmarkSet) -> Floats:
    """Measure faces' fine contrast `[F]`: the Laplacian's deviation over that of the grey values.

    It is of the face at SIDE pixels, so that pictures of any size compare.
    """
    values = []
    for face in cut_middles(found, landmarks):
        grey = face.astype(np.float32)
        fine = cv2.Laplacian(grey, cv2.CV_32F)
        values.append(float(fine.std() / max(float(grey.std()), 1.0)))
    return np.array(values, np.float32)


def measure_brightness(found: Sequence[DetectedFaces], landmarks: LandmarkSet) -> Floats:
    """Measure faces' mean grey value `[F]`, 0 black to 1 white."""
    means = [face.mean() / 255 for face in cut_middles(found, landmarks)]
    return np.array(means, np.float32)


def measure_eyes(five: Floats) -> Floats:
    """Measure the distance `[F]` between the eyes of five points `[F,5,2]`, in their pixels."""
    return np.linalg.norm(five[:, 0] - five[:, 1], axis=1)


def measure_inside(found: Sequence[DetectedFaces], landmarks: LandmarkSet) -> Floats:
    """Measure the share `[F]` of a face's square that lies inside its picture."""
    shares = []
    for faces in found:
        for square in faces.squares:
            margin = square.side * (1 - 1 / max(landmarks.crop_scale, 1)) / 2
            share = 1.0
            for start, size in zip((square.left, square.top), faces.size, strict=True):
                first, last = start + margin, start + square.side - margin
                share *= max(0.0, min(last, size) - max(first, 0)) / (last - first)
            shares.append(share)
    return np.array(shares, np.float32)


def cut_middles(
    found: Sequence[DetectedFaces], landmarks: LandmarkSet
) -> Iterator[NDArray[np.uint8]]:
    """Yield the middle of each crop, about the face's box, as grey `[SIDE,SIDE]`."""
    side = landmarks.side
    margin = round(side * (1 - 1 / max(landmarks.crop_scale, 1)) / 2)
    for crop in (crop for faces in found for crop in faces.crops):
        middle = crop[:, margin : side - margin, margin : side - margin]
        pixels = np.ascontiguousarray(middle.transpose(1, 2, 0))  # [S, S, C]
        grey = pixels[:, :, 0] if len(crop) == 1 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        how = cv2.INTER_AREA if len(grey) > SIDE else cv2.INTER_LINEAR
        yield np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=how), np.uint8)
