"""The predictor's model: what it claims before it works."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from predictor.engines.base import Engine
from predictor.landmarks import DEFAULT
from predictor.model import Predictor
from predictor.settings import PredictorSettings
from serving.errors import Overloaded, TooLarge
from serving.messages import Call, InferenceRequest, Tensor


class NoEngine(Engine):
    """An engine that must not be asked."""

    name = "none"
    max_batch, landmarks, size, channels = 1, DEFAULT, (96, 96), 1

    def __init__(self):
        pass

    def open(self, model, manifest, threads):
        pass

    def run(self, faces):
        raise AssertionError("it was asked")


async def test_heatmaps_are_claimed_before_they_are_computed():
    claimed: list[int] = []

    def claim(size: int) -> None:
        claimed.append(size)
        raise Overloaded("There is no room.")

    model = Predictor("unet", PredictorSettings(), NoEngine(), ThreadPoolExecutor(1))
    faces = np.zeros((3, 1, 96, 96), np.uint8)
    request = InferenceRequest(
        "unet", {"face": Tensor("face", "UINT8", faces)}, outputs=("heatmaps",)
    )
    with pytest.raises(Overloaded):
        await model.infer(request, Call(claim=claim))
    assert claimed == [3 * 15 * 96 * 96 * 4]
    model.max_heatmap_faces = 2
    with pytest.raises(TooLarge, match="2 go into one answer"):
        await model.infer(request)
    await model.close()
