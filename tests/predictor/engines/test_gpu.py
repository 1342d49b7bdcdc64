"""Engines for a GPU answer as those of the CPU do; skipped where there is none: make gpu-check."""

from pathlib import Path

import numpy as np
import pytest

from predictor.engines import load_engine
from predictor.engines.hardware import has_gpu

pytestmark = pytest.mark.skipif(not has_gpu(), reason="there is no NVIDIA GPU")


@pytest.mark.parametrize("faces", [1, 7, 64])
def test_an_engine_on_the_gpu_answers_as_the_cpu_does(faces: int, crops: np.ndarray):
    model = Path("models/simple_unet.pth")
    some = np.resize(crops, (faces, *crops.shape[1:]))  # [N, 1, 96, 96]
    points, scores = load_engine("onnxruntime", model).predict(some)
    wanted = load_engine("openvino", model).predict(some)
    assert np.linalg.norm(points - wanted[0], axis=2).max() < 0.05  # pixels of the face
    assert abs(scores - wanted[1]).max() < 0.01
