"""How far a face's points can be trusted, as one number."""

import numpy as np

from transformer.crop import Floats

LEAST = 1e-6  # a score of 0 has no logarithm


def score_faces(scores: Floats) -> Floats:
    """Score faces `[F]` by their points' scores `[F,15]`: their geometric mean.

    Of five such numbers it told faces with points more than 10 % off best from others
    (AUROC 0.98 on faces covered, turned, shifted, shrunk and darkened; models/MODEL_CARD.md).
    """
    return np.exp(np.log(np.maximum(scores, LEAST)).mean(axis=1)).astype(np.float32)
