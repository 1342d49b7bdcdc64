"""What is picked, what is refused, and with which words."""

import shutil
from pathlib import Path

import pytest

from predictor.declaration import DeclarationError
from predictor.engines import EngineError, choice, load_engine
from predictor.engines.golden import GOLDEN_FACE
from predictor.engines.hardware import list_features
from predictor.manifest import read_manifest, write_manifest
from tests.support.environment import run

REBUILD = r"python -m predictor\.convert models/simple_unet\.pth --calibrate FACES"


@pytest.fixture
def copy(int8: Path, checkpoint: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A checkpoint and its artifact that a test may break."""
    shutil.copy(checkpoint, tmp_path)
    shutil.copytree(int8, tmp_path / "unet-int8")
    return tmp_path / checkpoint.name, tmp_path / "unet-int8"


def change(folder: Path, **values: object) -> None:
    write_manifest(folder, read_manifest(folder).model_copy(update=values))


def truncate(folder: Path) -> None:
    data = (folder / "unet.bin").read_bytes()
    (folder / "unet.bin").write_bytes(data[: len(data) // 2])


def move_golden(folder: Path) -> None:
    golden = read_manifest(folder).golden
    change(folder, golden=((golden[0][0] + 2, golden[0][1]), *golden[1:]))


BREAKS = {
    "truncated or changed": truncate,
    "is missing": lambda folder: (folder / "unet.bin").unlink(),
    "has no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "other files than are there now": lambda folder: change(folder, source_sha256="0" * 64),
    "made by openvino 2019.1": lambda folder: change(folder, versions={"openvino": "2019.1"}),
    "from the author's": move_golden,
}


@pytest.mark.parametrize("words", BREAKS)
def test_a_broken_artifact_is_refused_with_the_command_to_rebuild_it(copy, words: str):
    checkpoint, folder = copy
    BREAKS[words](folder)
    with pytest.raises(EngineError, match=words) as caught:
        load_engine("openvino-int8", checkpoint, folder)
    if (folder / "manifest.json").is_file() and words not in ("truncated or changed", "is missing"):
        caught.match(REBUILD)


def test_auto_converts_what_has_no_artifact_once(copy, caplog):
    """In a process of its own; the next start takes what the first one made."""
    caplog.set_level("INFO")
    checkpoint, folder = copy
    truncate(folder)
    engine = load_engine("auto", checkpoint)
    assert engine.name in ("openvino", "openvino-bf16") and engine.distance < 1
    assert "openvino-int8 not taken" in caplog.text and "comes without code" in caplog.text
    caplog.clear()
    shutil.rmtree(folder)
    assert load_engine("auto", checkpoint).name in ("openvino", "openvino-bf16")
    assert "converting" not in caplog.text


def test_auto_takes_int8_from_beside_the_checkpoint(copy, caplog):
    caplog.set_level("INFO")
    assert load_engine("auto", copy[0]).name == "openvino-int8"
    assert "took openvino-int8: an int8 artifact is there" in caplog.text


def test_an_artifact_serves_without_its_source(copy):
    checkpoint, folder = copy
    checkpoint.unlink()
    assert load_engine("auto", checkpoint).name == "openvino-int8"
    assert load_engine("auto", folder).name == "openvino-int8"  # the folder itself
    assert load_engine("auto", folder.parent).name == "openvino-int8"  # one that holds it


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(EngineError, match="There is no model"):
        load_engine("auto", tmp_path / "none.pth")
    with pytest.raises(EngineError, match="no engine 'magic'; there are auto, openvino-int8"):
        load_engine("magic", tmp_path / "none.pth")
    with pytest.raises(DeclarationError, match=r"has no network: put model\.py"):
        load_engine("auto", tmp_path)


def test_int8_is_made_of_faces(copy):
    shutil.rmtree(copy[1])
    with pytest.raises(EngineError, match=r"There is no int8 artifact .* --calibrate FACES"):
        load_engine("openvino-int8", copy[0])


def test_bf16_is_taken_where_the_cpu_has_it_and_the_network_bears_it(tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "has_gpu", lambda: False)
    made = tmp_path / "converted"
    made.mkdir()
    source = choice.Source(tmp_path)
    for has, bears, wanted in ((True, True, 2), (True, False, 1), (False, True, 1)):
        bf16 = str(bears).lower()
        (made / "manifest.json").write_text(f'{{"engine": "openvino", "bf16": {bf16}}}')
        monkeypatch.setattr(choice, "has_bf16", lambda has=has: has)
        names = [name for name, _, _ in choice.list_choices("auto", source, None)]
        assert names == ["openvino-bf16", "openvino"][-wanted:]


def test_the_default_engine_needs_no_torch(int8: Path, checkpoint: Path):
    """In a fresh process, where importing torch and what only converting needs fails."""
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
    run("python", "-c", code)


def test_features_of_x86_and_arm(tmp_path: Path):
    (tmp_path / "x86").write_text("processor : 0\nflags\t\t: fpu avx512_vnni\nbogomips: 1\n")
    (tmp_path / "arm").write_text("processor : 0\nFeatures\t: asimd i8mm bf16\n")
    assert list_features(tmp_path / "x86") == {"fpu", "avx512_vnni"}
    assert "i8mm" in list_features(tmp_path / "arm")
    assert list_features(tmp_path / "none") == frozenset()
