"""Five points of a face that every use of it asks for: the eyes, the nose, the mouth's corners.

They are found among a landmark set's points by name, or as the set declares them.
"""

from functools import lru_cache

import numpy as np

from serving.errors import InvalidRequest
from serving.landmarks import LandmarkSet
from transformer.crops.crop import Floats

NAMES = (  # as they stand in a picture of an upright face: "right" is the subject's
    "right_eye_center",
    "left_eye_center",
    "nose_tip",
    "mouth_right_corner",
    "mouth_left_corner",
)
CORNERS = {  # whose middle an eye without a centre is taken for
    f"{side}_eye_center": (f"{side}_eye_inner_corner", f"{side}_eye_outer_corner")
    for side in ("right", "left")
}


def find_five(landmarks: LandmarkSet, points: Floats) -> Floats:
    """Find the five points `[F,5,2]` among a set's points `[F,K,2]`; raises InvalidRequest."""
    return np.einsum("nk,fkc->fnc", weigh_five(landmarks), points).astype(np.float32)


@lru_cache
def weigh_five(landmarks: LandmarkSet) -> Floats:
    """Weigh a set's points for the five: `[5,K]`; raises InvalidRequest where it has none."""
    weights = np.zeros((len(NAMES), len(landmarks)), np.float32)
    for row, name in enumerate(NAMES):
        named = landmarks.five[row] if landmarks.five else find_named(landmarks, name)
        for each in named:
            weights[row, landmarks.points.index(each)] = 1 / len(named)
    return weights


def find_named(landmarks: LandmarkSet, name: str) -> tuple[str, ...]:
    """Find the points of a set whose mean is the one of this name."""
    for names in ((name,), CORNERS.get(name, (name,))):
        if all(each in landmarks.points for each in names):
            return names
    raise InvalidRequest(
        f"This model's landmark set has no '{name}', which the output needs; its model.json can "
        f"declare the points {', '.join(NAMES)} as 'five'."
    )
