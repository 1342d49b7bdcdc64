"""Others beside the network: YuNet's five points, and the teacher's fifteen."""

import numpy as np

from training.evaluate import Errors, measure_errors
from training.faces import YUNET_AS_LANDMARKS, FaceDataset, Floats

FIVE = list(YUNET_AS_LANDMARKS)


def find_teacher(labels: str | None, faces: FaceDataset) -> Floats:
    """Find the teacher's points `[N,15,2]` of faces in a label file, NaN where it has none."""
    points = np.full((len(faces), 15, 2), np.nan, np.float32)
    if labels:
        with np.load(labels) as file:
            known = dict(zip(file["paths"].tolist(), file["points"], strict=True))
        for i, path in enumerate(faces.paths.tolist()):
            points[i] = known.get(path, np.nan)
    return points


def measure_five(found: Floats, truth: Floats) -> Errors:
    """Measure five points `[N,5,2]` against those of the fifteen that they stand for."""
    whole = truth.copy()
    whole[:, FIVE] = found
    return Errors(measure_errors(whole, truth).each[:, FIVE])
