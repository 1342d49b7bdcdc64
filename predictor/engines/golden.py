"""The golden face: what an engine finds on one stored face against what it must find."""

from pathlib import Path

import numpy as np

from predictor.engines.base import Engine, EngineError, Faces

GOLDEN_FACE = Path(__file__).parents[1] / "golden_face.npy"  # NASA, public domain


class GoldenError(EngineError):
    """The loaded network does not give the stored answer."""


def load_face() -> Faces:
    """Load the stored face, `[1,1,96,96]` UINT8."""
    return np.load(GOLDEN_FACE)


def compare_golden(
    engine: Engine, expected: list[list[float]], tolerance: float, place: str, remedy: str
) -> float:
    """Run the golden face, also as warm-up, and compare: the largest distance in its pixels.

    `expected` [15][2] is what `place` has stored. Raises GoldenError above the tolerance.
    """
    landmarks, _ = engine.locate(load_face())  # [1, 15, 2]
    moved = landmarks[0] - np.array(expected, np.float32)  # [15, 2]
    distance = float(np.linalg.norm(moved, axis=1).max())
    if not distance <= tolerance:  # NaN fails, too
        raise GoldenError(
            f"Engine {engine.name} puts a landmark of the golden face {distance:.2f} pixels from "
            f"where {place} has it ({tolerance:g} pixels off are allowed); {remedy}."
        )
    return distance
