"""Views of one real face, the shipped network and its artifact."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from predictor.engines.golden import GOLDEN_FACE

MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture(scope="session")
def crops() -> np.ndarray:
    """Twelve views `[12,1,96,96]` UINT8 of one face: turned, shifted, darkened, noisy."""
    face = np.load(GOLDEN_FACE)[0, 0]
    random = np.random.default_rng(0)
    views = [face]
    while len(views) < 12:
        turn = cv2.getRotationMatrix2D((47.5, 47.5), random.normal(0, 8), random.normal(1, 0.07))
        turn[:, 2] = turn[:, 2] + random.normal(0, 3, 2)
        view = cv2.warpAffine(face, turn, (96, 96), borderMode=cv2.BORDER_REPLICATE)
        noisy = view * random.uniform(0.7, 1.1) + random.normal(0, 2, view.shape)
        views.append(noisy.clip(0, 255).astype(np.uint8))
    return np.stack(views)[:, None]


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    return MODELS / "simple_unet.pth"


@pytest.fixture(scope="session")
def int8() -> Path:
    """The shipped artifact; not to be written to."""
    return MODELS / "unet-int8"
