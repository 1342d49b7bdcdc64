"""Head pose from points: a mean head is turned until its points lie where the face's do (PnP)."""

import json
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.landmarks import LandmarkSet
from transformer.crops.crop import Floats
from transformer.outputs.five import NAMES, weigh_five

# The mean of 550 heads (Face Research Lab London Set and webmorphR.stim, both CC BY 4.0) as
# MediaPipe's mesh sees them in depth, made symmetrical. Its unit is the distance between the eyes,
# (0, 0, 0) is between them; x to the subject's left, y down, z away from who looks. Upright is
# how the London set's people hold their heads, who look straight ahead.
HEAD: dict[str, list[float]] = json.loads(Path(__file__).with_name("mean_head.json").read_text())
DISTANCE = 10.0  # from the camera, in distances between the eyes; where from nobody tells
ENOUGH = 6  # named points; with fewer of them the five are as good


@lru_cache
def choose_points(landmarks: LandmarkSet) -> tuple[Floats, NDArray[np.float64]]:
    """Choose N points that the head has too: weights `[N,K]` of the set's, the head's `[N,3]`.

    Raises InvalidRequest where the set has too few by name and declares no five.
    """
    names = [name for name in landmarks.points if name in HEAD]
    if len(names) >= ENOUGH and "nose_tip" in names:  # without the nose a head has no depth
        rows = [landmarks.points.index(name) for name in names]
        weights = np.eye(len(landmarks), dtype=np.float32)[rows]
    else:
        weights, names = weigh_five(landmarks), list(NAMES)
    return weights, np.array([HEAD[name] for name in names])


def estimate_poses(landmarks: LandmarkSet, points: Floats) -> Floats:
    """Estimate the poses of faces with points `[F,K,2]`: `[F,3]` degrees of yaw, pitch and roll.

    Positive are a turn to the picture's right, a look up, and a lean clockwise. 0 throughout where
    the points are all in one place. Raises InvalidRequest as choose_points does.
    """
    weights, head = choose_points(landmarks)
    chosen = np.einsum("nk,fkc->fnc", weights, points).astype(np.float64)
    return np.array([estimate_pose(face, head) for face in chosen], np.float32).reshape(-1, 3)


def estimate_pose(points: NDArray[np.float64], head: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate one pose by the points `[N,2]` of a head's `[N,3]`, as seen along its own line."""
    off = points - points.mean(axis=0)
    size = np.linalg.norm(off) / np.linalg.norm((head - head.mean(axis=0))[:, :2])
    if not size > 0:
        return np.zeros(3)
    camera = np.diag([DISTANCE, DISTANCE, 1.0])
    seen = np.ascontiguousarray(off / size)
    found, turn, shift = cv2.solvePnP(head, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    if not found:
        return np.zeros(3)
    turn, _ = cv2.solvePnPRefineLM(head, seen, camera, None, turn, shift)
    pose = read_angles(np.asarray(cv2.Rodrigues(turn)[0], np.float64))
    return pose if np.isfinite(pose).all() else np.zeros(3)


def read_angles(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Read yaw, pitch, roll in degrees off a rotation `[3,3]`: nodded, then turned, then leaned."""
    yaw = np.arcsin(np.clip(turn[2, 0], -1, 1))
    pitch = np.arctan2(-turn[2, 1], turn[2, 2])
    roll = np.arctan2(turn[1, 0], turn[0, 0])
    return np.degrees([yaw, pitch, roll])
