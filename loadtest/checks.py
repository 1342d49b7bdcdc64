"""Checks of answers by value: points inside their faces, and the faces that the pictures show."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loadtest.pictures import Known, find_stranger

Arrays = Mapping[str, NDArray]
BEYOND = 0.3  # of the box's side: how far beyond its box a point may lie
DRIFT = 0.1  # of the box's side: how far a point may lie from an earlier answer's


class Memory:
    """The first answer to each picture, which later ones must agree with."""

    def __init__(self) -> None:
        self.first: dict[bytes, tuple[NDArray, float]] = {}  # picture -> points [F,K,2], pixels

    def find_change(self, picture: bytes, points: NDArray, side: float) -> str:
        """Say how an answer differs from the first one to the same picture; "" is not at all."""
        before, pixels = self.first.setdefault(picture, (points, DRIFT * side))
        if before.shape != points.shape:
            return f"{len(points)} faces, and {len(before)} before, in the same picture"
        if len(points):
            away = np.linalg.norm(points[:, None] - before[None], axis=3).max(axis=2)  # [F, F]
            if (worst := away.min(axis=1).max()) > pixels:
                return f"points {worst:.1f} px from where they were in the same picture"
        return ""


def check_answer(
    outputs: Arrays, pictures: Sequence[Known], points: int, memory: Memory, least: int = 1
) -> str:
    """Say what is wrong with the answer to these pictures; "" where nothing is.

    `points` is how many a face has, `least` how many faces a picture shows at the least.
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
        mine = index == number
        problem = check_picture(picture, landmarks[mine], boxes[mine], memory, least)
        if problem:
            return f"picture {number}: {problem}"
    return ""


def find_stray(landmarks: NDArray, boxes: NDArray) -> str:
    """Say which face has a point far outside its box; "" where none has."""
    if not np.isfinite(landmarks).all():
        return "a point is no number"
    corners = boxes.reshape(-1, 2, 2)  # [F, 2, 2]: top left, bottom right
    size = corners[:, 1] - corners[:, 0]  # [F, 2]
    low, high = corners[:, 0] - BEYOND * size, corners[:, 1] + BEYOND * size
    outside = ((landmarks < low[:, None]) | (landmarks > high[:, None])).any(axis=(1, 2))
    return f"points of face {outside.argmax()} lie outside its box" if outside.any() else ""


def check_picture(
    picture: Known, points: NDArray, boxes: NDArray, memory: Memory, least: int
) -> str:
    """Say what is wrong with the faces of one picture; "" where nothing is."""
    if picture.eyes is not None:
        return find_stranger(points, picture.eyes)
    if len(points) < least:
        return f"{len(points)} faces"
    side = float((boxes[:, 2] - boxes[:, 0]).max()) if len(boxes) else 0.0
    return memory.find_change(picture.content, points, side)


def check_faces(outputs: Arrays, faces: int, points: int, side: int) -> str:
    """Say what is wrong with a predictor's answer to faces; "" where nothing is."""
    landmarks, scores = outputs["landmarks"], outputs["scores"]
    if landmarks.shape != (faces, points, 2) or scores.shape != (faces, points):
        return f"landmarks have the shape {list(landmarks.shape)} for {faces} faces"
    if not ((landmarks > -1) & (landmarks < side)).all():  # not a number is neither
        return "a point lies outside its face"
    return "" if ((scores >= 0) & (scores <= 1)).all() else "a score is outside 0..1"
