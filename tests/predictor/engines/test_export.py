"""An export is a folder that loads at once, made of any accepted checkpoint."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from predictor.engines import ENGINES, load_engine
from predictor.engines.eager import EagerEngine
from predictor.engines.golden import GOLDEN_FACE
from predictor.engines.manifest import hash_file, read_manifest
from predictor.export.artifact import export_artifact
from predictor.export.tune import BATCHES, pick_batch
from predictor.unet import UNet


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of width 8, untrained."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.pth"
    torch.save(UNet(base_width=8).state_dict(), path)
    return path


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A folder of pictures to calibrate on."""
    (tmp_path / "faces").mkdir()
    for number in range(4):
        face = np.roll(np.load(GOLDEN_FACE)[0, 0], number, axis=1)
        cv2.imwrite(str(tmp_path / f"faces/{number}.png"), face)
    return tmp_path / "faces"


@pytest.mark.parametrize("name", ["openvino", "openvino-bf16", "onnxruntime"])
def test_an_export_loads_and_agrees(tiny: Path, tmp_path: Path, name: str):
    manifest = export_artifact(tiny, ENGINES[name], tmp_path / "out", None, tune=False)
    assert manifest.source_sha256 == hash_file(tiny) and manifest.width == 8
    engine = load_engine(name, tiny, tmp_path / "out")
    face = np.load(GOLDEN_FACE)
    wanted = EagerEngine(tiny).run(face)
    assert abs(engine.run(face) - wanted).max() < 0.02 * abs(wanted).max()


def test_an_int8_export_is_calibrated_and_tuned(tiny: Path, tmp_path: Path, faces: Path):
    pytest.importorskip("nncf")
    handler = logging.NullHandler()
    logging.getLogger("nncf").addHandler(handler)
    manifest = export_artifact(tiny, ENGINES["openvino-int8"], tmp_path / "out", faces)
    assert manifest == read_manifest(tmp_path / "out")
    assert manifest.accuracy["faces"] == 4 and manifest.threads >= 1 and manifest.cpus >= 1
    assert str(tmp_path / "faces") not in (tmp_path / "out/manifest.json").read_text()
    assert handler.level == logging.NOTSET


def test_int8_without_faces_says_what_is_missing(tiny: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="--calibrate"):
        export_artifact(tiny, ENGINES["openvino-int8"], tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_an_older_folder_is_replaced_as_a_whole(tiny: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/rest.bin").write_text("of an older export")
    export_artifact(tiny, ENGINES["onnxruntime"], tmp_path / "out", None, tune=False)
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"manifest.json", "unet.onnx"}


def test_a_busy_machine_switches_no_batching_off() -> None:
    assert pick_batch({4: 1.0, 8: 1.05, 16: 1.2}) == 8
    assert min(BATCHES) == 4
    for artifact in ("unet-int8", "student-int8"):
        assert read_manifest(Path("models") / artifact).max_batch in BATCHES
