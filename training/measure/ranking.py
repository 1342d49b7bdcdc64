"""How well scores tell good points from bad ones, and faces from faces."""

import numpy as np

from training.faces import LANDMARKS, Floats
from training.measure.cuts import OFF

INNER_BROWS = [k for k, name in enumerate(LANDMARKS) if name.endswith("eyebrow_inner_end")]


def measure_auroc(scores: Floats, wrong: Floats) -> float:
    """Measure the chance that a wrong item has the lower score, NaN where one kind is missing."""
    scores, wrong = np.ravel(scores), np.ravel(wrong).astype(bool)
    good, bad = np.sort(scores[~wrong]), scores[wrong]
    if not len(good) or not len(bad):
        return float("nan")
    above = len(good) - np.searchsorted(good, bad, side="right")
    level = np.searchsorted(good, bad, side="right") - np.searchsorted(good, bad, side="left")
    return float((above + level / 2).mean() / len(good))


def rank_points(each: Floats, scores: Floats) -> tuple[float, float]:
    """Rank points by their scores `[N,15]` against errors `[N,15]`: all, without inner brows.

    Data sets disagree where a brow begins, so that there the labels, not the points, are off.
    """
    rest = [k for k in range(len(LANDMARKS)) if k not in INNER_BROWS]
    wrong = each > OFF
    return measure_auroc(scores, wrong), measure_auroc(scores[:, rest], wrong[:, rest])
