"""What is picked, what is refused, and with which words."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from predictor.engines import EngineError, choice, load_engine
from predictor.engines.golden import GOLDEN_FACE
from predictor.engines.hardware import list_features
from predictor.engines.manifest import Manifest, read_manifest, write_manifest
from predictor.unet import UNet

REBUILD = r"python -m predictor\.export --checkpoint .* --engine openvino-int8 --calibrate FACES"


@pytest.fixture(autouse=True)
def fast_bytes(monkeypatch) -> None:
    """Choose as on a CPU that multiplies bytes, which this one may not be."""
    features = list_features() | {"avx512_vnni"}
    monkeypatch.setattr(choice, "list_hardware", lambda: features)


@pytest.fixture
def copy(int8: Path, checkpoint: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A checkpoint and its artifact that a test may break."""
    shutil.copy(checkpoint, tmp_path)
    shutil.copytree(int8, tmp_path / "unet-int8")
    return tmp_path / checkpoint.name, tmp_path / "unet-int8"


def change(folder: Path, **values: object) -> None:
    content = read_manifest(folder)
    fields = {name: getattr(content, name) for name in content.__slots__}
    write_manifest(folder, Manifest(**(fields | values)))


def truncate(folder: Path) -> None:
    data = (folder / "unet.bin").read_bytes()
    (folder / "unet.bin").write_bytes(data[: len(data) // 2])


def move_golden(folder: Path) -> None:
    golden = read_manifest(folder).golden
    change(folder, golden=[[golden[0][0] + 2, golden[0][1]], *golden[1:]])


BREAKS = {
    "truncated or changed": truncate,
    "is missing": lambda folder: (folder / "unet.bin").unlink(),
    "has no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "is no JSON": lambda folder: (folder / "manifest.json").write_text("{"),
    "is incomplete": lambda folder: (folder / "manifest.json").write_text('{"format": 1}'),
    "another release": lambda folder: change(folder, format=99),
    "another checkpoint": lambda folder: change(folder, source_sha256="0" * 64),
    "made by openvino 2019.1": lambda folder: change(folder, versions={"openvino": "2019.1"}),
    "needs a CPU with x87_int8": lambda folder: change(folder, needs=["x87_int8"]),
    r"2\.00 pixels from": move_golden,
}


@pytest.mark.parametrize("words", BREAKS)
def test_a_broken_artifact_is_refused_with_the_command_to_rebuild_it(copy, words: str):
    checkpoint, folder = copy
    BREAKS[words](folder)
    with pytest.raises(EngineError, match=words) as caught:
        load_engine("openvino-int8", checkpoint, folder)
    caught.match(REBUILD)


@pytest.mark.parametrize("words", BREAKS)
def test_auto_takes_the_next_engine_and_says_so(copy, words: str, caplog):
    checkpoint, folder = copy
    BREAKS[words](folder)
    engine = load_engine("auto", checkpoint, folder)
    assert engine.name != "openvino-int8"
    assert "openvino-int8 not taken" in caplog.text and engine.why in caplog.text


def test_auto_takes_int8_from_beside_the_checkpoint(copy, caplog):
    caplog.set_level("INFO")
    engine = load_engine("auto", copy[0])
    assert engine.name == "openvino-int8"
    assert "auto took openvino-int8: the CPU multiplies bytes" in caplog.text


def test_without_torch_a_plain_cpu_still_serves_int8(copy, monkeypatch):
    """The CPU image has no torch, so that int8 is all that a CPU without VNNI can run."""
    monkeypatch.setattr(choice, "list_hardware", lambda: frozenset({"avx2"}))
    for module in ("torch", "onnxruntime", "onnx"):
        monkeypatch.setitem(sys.modules, module, None)
    for module in ("eager", "onnxruntime", "onnx_graph", "reference"):
        monkeypatch.delitem(sys.modules, f"predictor.engines.{module}", raising=False)
    engine = load_engine("auto", copy[0])
    assert engine.name == "openvino-int8" and "an int8 artifact is there" in engine.why


def test_without_an_artifact_auto_builds_from_the_checkpoint(copy):
    shutil.rmtree(copy[1])
    assert load_engine("auto", copy[0]).name.startswith("openvino")


def test_an_artifact_serves_without_its_checkpoint(copy):
    copy[0].unlink()
    assert load_engine("auto", copy[0]).name == "openvino-int8"


def test_an_unknown_engine_is_named_with_those_there_are():
    with pytest.raises(EngineError, match="no engine 'magic'; there are auto, openvino-int8"):
        load_engine("magic", Path("none.pth"))


def test_a_missing_package_is_named(checkpoint: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "predictor.engines.onnxruntime", raising=False)
    with pytest.raises(EngineError, match="onnxruntime needs the package onnxruntime"):
        load_engine("onnxruntime", checkpoint)


def test_cuda_says_what_it_needs(checkpoint: Path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(EngineError, match="needs an NVIDIA GPU"):
        load_engine("cuda", checkpoint)


def test_a_network_of_gaussian_heights_is_told_from_logits(tmp_path: Path):
    net = UNet(base_width=8)
    torch.nn.init.zeros_(net.outc.conv.weight)
    torch.save(net.state_dict(), tmp_path / "heights.pth")
    assert load_engine("eager", tmp_path / "heights.pth").logits is False


def test_the_default_engine_needs_no_torch(int8: Path, checkpoint: Path):
    """In a fresh process, where importing torch and what only exporting needs fails."""
    code = f"""
import sys
for name in ("torch", "nncf", "onnx", "onnxruntime", "cv2"):
    sys.modules[name] = None
from pathlib import Path
import numpy as np
from predictor.engines import load_engine
engine = load_engine("auto", Path({str(checkpoint)!r}))
points, scores = engine.predict(np.load({str(GOLDEN_FACE)!r}))
assert engine.name == "openvino-int8" and points.shape == (1, 15, 2)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_fast_engines_are_ranked_by_what_the_cpu_can(monkeypatch):
    monkeypatch.setattr(choice, "list_hardware", lambda: frozenset({"avx2"}))
    names = [name for name, _ in choice.rank_engines()]
    assert names == ["openvino", "onnxruntime", "openvino-int8", "eager"]


def test_landmarks_are_finite(int8: Path, checkpoint: Path):
    black = np.zeros((1, 1, 96, 96), np.uint8)
    assert np.isfinite(load_engine("auto", checkpoint).predict(black)[0]).all()
