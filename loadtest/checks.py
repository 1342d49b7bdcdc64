"""Checks of answers by value: points inside their faces, and the faces that the pictures show."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loadtest.pictures import Known, find_stranger

Arrays = Mapping[str, NDArray]
BEYOND = 0.3  # of the box's side: how far beyond its box a point may lie


def check_answer(outputs: Arrays, pictures: Sequence[Known], points: int) -> str:
    """Say what is wrong with the answer to these pictures; "" where nothing is.

    `points` is how many a face has.
    """
    landmarks, boxes = outputs["landmarks"], outputs["boxes"]  # [F, K, 2], [F, 4]
    if landmarks.ndim != 3 or landmarks.shape[1:] != (points, 2):
        return f"landmarks have the shape {list(landmarks.shape)}"
    if boxes.shape != (len(landmarks), 4):
        return f"{len(landmarks)} faces have boxes of the shape {list(boxes.shape)}"
    index = outputs["image_index"]  # [F]
    if index.shape != (len(landmarks),) or not np.isin(index, range(len(pictures))).all():
        return f"image_index is {index.tolist()[:20]} for {len(pictures)} pictures"
    if problem := find_stray(landmarks, boxes):
        return problem
    for number, picture in enumerate(pictures):
        mine = landmarks[index == number]
        if picture.eyes is not None and (problem := find_stranger(mine, picture.eyes)):
            return f"picture {number}: {problem}"
        if not len(mine):
            return f"picture {number}: 0 faces"
    return ""


def find_stray(landmarks: NDArray, boxes: NDArray) -> str:
    """Say which face has a point far outside its box; "" where none has."""
    if not np.isfinite(landmarks).all():
        return "a point is not a number"
    corners = boxes.reshape(-1, 2, 2)  # [F, 2, 2]: top left, bottom right
    size = corners[:, 1] - corners[:, 0]  # [F, 2]
    low, high = corners[:, 0] - BEYOND * size, corners[:, 1] + BEYOND * size
    outside = ((landmarks < low[:, None]) | (landmarks > high[:, None])).any(axis=(1, 2))
    return f"points of face {outside.argmax()} lie outside its box" if outside.any() else ""


def check_faces(outputs: Arrays, faces: int, points: int, side: int) -> str:
    """Say what is wrong with a predictor's answer to faces; "" where nothing is."""
    landmarks, scores = outputs["landmarks"], outputs["scores"]
    if landmarks.shape != (faces, points, 2) or scores.shape != (faces, points):
        return f"landmarks have the shape {list(landmarks.shape)} for {faces} faces"
    if not ((landmarks > -1) & (landmarks < side)).all():  # not a number is neither
        return "a point lies outside its face"
    return "" if ((scores >= 0) & (scores <= 1)).all() else "a score is outside 0..1"
