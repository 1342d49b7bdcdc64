"""The engines that the ledger tries beside those that serve answer as the reference does."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.engine.engines import EXPORTED
from bench.engine.torch_steps import TorchEngine
from predictor.engines import ENGINES
from predictor.engines.eager import EagerEngine
from predictor.engines.golden import GOLDEN_FACE
from predictor.engines.loading import load
from predictor.export.artifact import export_artifact
from predictor.unet import UNet


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of width 8, untrained."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.pth"
    torch.save(UNet(base_width=8).state_dict(), path)
    return path


@pytest.mark.parametrize("name", ["ahead", "ahead-bf16"])
def test_what_is_compiled_ahead_loads_and_agrees(tiny: Path, tmp_path: Path, name: str):
    export_artifact(tiny, EXPORTED[name], tmp_path / "out", None, tune=False)
    engine = load(EXPORTED[name], tiny, tmp_path / "out", 0)
    face = np.load(GOLDEN_FACE).repeat(3, axis=0)
    wanted = EagerEngine(tiny).run(face)
    bound = 0.05 if name.endswith("bf16") else 1e-3
    assert abs(engine.run(face) - wanted).max() < bound * abs(wanted).max()


def test_a_compiled_network_agrees(tiny: Path):
    face = np.load(GOLDEN_FACE)
    wanted = EagerEngine(tiny).run(face)
    found = TorchEngine("compiled", tiny).run(face)
    assert abs(found - wanted).max() < 1e-3 * abs(wanted).max()


def test_what_is_only_measured_is_not_offered_to_serve():
    assert not {"ahead", "ahead-bf16", "compiled", "folded", "torch-bf16"} & ENGINES.keys()
