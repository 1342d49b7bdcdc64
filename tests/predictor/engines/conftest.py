"""Views of one real face, the shipped network and its artifact."""

from pathlib import Path

import numpy as np
import pytest

from predictor.convert.faces import vary_face

MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture(scope="session")
def crops() -> np.ndarray:
    """Twelve views `[12,1,96,96]` UINT8 of one face: shifted, zoomed, lit."""
    return np.rint(255 * vary_face((96, 96), 1, 12)).astype(np.uint8)


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    return MODELS / "simple_unet.pth"


@pytest.fixture(scope="session")
def int8() -> Path:
    return MODELS / "unet-int8"
