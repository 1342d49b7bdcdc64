"""Draw the poses that a face is shown in, by what it shows already."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from training.turn.pose import Pose

FRONTAL = 0.10  # of the nose from the eye corners' middle; beyond, the hidden side would tear
YAW = (12, 42)  # degrees, either way
PITCH = 10, 22  # degrees: standard deviation, and the most
AGAIN = 5, 18  # degrees more for a face that is turned: sd of yaw, and the most of pitch
JAW = (0.08, 0.45)  # share of the height from mouth to chin
OPENED = 0.35  # chance of an open mouth in a turned face


def draw_poses(turn: float, closed: bool, rng: Generator) -> Iterator[Pose]:
    """Draw the poses of a face whose nose is `turn` from the middle; `closed` if its mouth is."""

    def draw_nod() -> float:
        return float(np.clip(rng.normal(0, PITCH[0]), -PITCH[1], PITCH[1]))

    def make_pose(yaw: float, pitch: float, chance: float = OPENED) -> Pose:
        jaw = float(rng.uniform(*JAW)) if closed and rng.random() < chance else 0.0
        return Pose(float(np.radians(yaw)), float(np.radians(pitch)), jaw)

    if abs(turn) < FRONTAL:
        for _ in range(2):
            yield make_pose(rng.uniform(*YAW) * rng.choice((-1, 1)), draw_nod())
        if closed:
            yield make_pose(rng.normal(0, 6), draw_nod() / 2, 1)
    else:
        pitch = rng.uniform(-AGAIN[1], AGAIN[1])
        yield make_pose(rng.normal(0, AGAIN[0]), pitch)
