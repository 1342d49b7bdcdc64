"""The golden face: what an engine finds on one stored face against what it must find."""

from pathlib import Path

import numpy as np

from predictor.engines.base import Engine, EngineError, FaceArray
from predictor.resize import resize_faces

GOLDEN_FACE = Path(__file__).parents[1] / "golden_face.npy"  # NASA, public domain


class GoldenError(EngineError):
    """The loaded network does not give the stored answer."""


def load_face(side: int) -> FaceArray:
    """Load the stored face as the network takes it, `[1,1,S,S]` UINT8."""
    face = np.load(GOLDEN_FACE)  # [1, 1, H, H]
    return face if face.shape[-1] == side else resize_faces(face.transpose(0, 2, 3, 1), side)


def compare_golden(
    engine: Engine, expected: list[list[float]], tolerance: float, place: object, remedy: str
) -> float:
    """Run the golden face, also as warm-up, and compare: the largest distance in its pixels.

    `expected` [K][2] is what `place` has stored. Raises GoldenError above the tolerance.
    """
    landmarks, _ = engine.predict(load_face(engine.landmarks.side))  # [1, K, 2]
    points = len(landmarks[0])
    for stored, what in ((engine.landmarks.points, "names"), (expected, "has a golden answer of")):
        if len(stored) != points:
            raise GoldenError(
                f"The network draws {points} points, and {place} {what} {len(stored)}; {remedy}."
            )
    moved = landmarks[0] - np.array(expected, np.float32)  # [K, 2]
    distance = float(np.linalg.norm(moved, axis=1).max())
    if not distance <= tolerance:  # NaN fails, too
        raise GoldenError(
            f"Engine {engine.name} puts a landmark of the golden face {distance:.2f} pixels from "
            f"where {place} has it ({tolerance:g} pixels off are allowed); {remedy}."
        )
    return distance
