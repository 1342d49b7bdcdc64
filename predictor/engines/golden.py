"""The golden face: what an engine finds on one stored face against the author's answer."""

from pathlib import Path

import numpy as np

from predictor.engines.base import Engine, EngineError, FaceArray
from predictor.manifest import Manifest
from predictor.resize import resize_faces

GOLDEN_FACE = Path(__file__).parents[1] / "golden_face.npy"  # NASA, public domain
ROUNDING = 0.25  # pixels; CPUs round differently, a wrong network is off by far more


class GoldenError(EngineError):
    """The loaded network does not give the stored answer."""


def load_face(size: tuple[int, int], channels: int = 1) -> FaceArray:
    """Load the stored face as the network takes it, `[1,C,H,W]` UINT8."""
    face = np.load(GOLDEN_FACE)  # [1, 1, H, H]
    return resize_faces(face.transpose(0, 2, 3, 1), size, channels)


def compare_golden(engine: Engine, manifest: Manifest, tolerance: float = 0) -> float:
    """Run the golden face, also as warm-up, and compare: the largest distance in its pixels.

    As far as the artifact lay when it was made, and `tolerance` and ROUNDING more, are allowed.
    Raises GoldenError with a clause.
    """
    landmarks, _ = engine.predict(load_face(engine.size, engine.channels))  # [1, K, 2]
    points = len(landmarks[0])
    for stored, what in ((engine.landmarks.points, "names"), (manifest.golden, "golden points")):
        if len(stored) != points:
            text = f"the network gives {points} points, and its manifest has {len(stored)} {what}"
            raise GoldenError(text)
    moved = landmarks[0] - np.array(manifest.golden, np.float32)  # [K, 2]
    distance = float(np.linalg.norm(moved, axis=1).max())
    allowed = manifest.golden_pixels + ROUNDING + tolerance
    if not distance <= allowed:  # NaN fails, too
        raise GoldenError(
            f"{engine.name} puts a landmark of the golden face {distance:.2f} pixels from the "
            f"author's ({allowed:.2f} are allowed)"
        )
    return distance
