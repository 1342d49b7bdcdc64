"""A network's points are named beside its weights; what doesn't fit is refused when it loads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from predictor.engines import ENGINES, EngineError, load_engine
from predictor.engines.golden import load_face
from predictor.engines.manifest import read_manifest
from predictor.export.artifact import export_artifact
from predictor.landmarks import DEFAULT, load_landmarks, name_file
from predictor.loader import CheckpointStore
from predictor.model import count_heatmaps
from predictor.settings import PredictorSettings
from predictor.unet import UNet
from serving.landmarks import LandmarkError, LandmarkSet

SMALL = LandmarkSet(("left_eye", "right_eye", "nose"), (), ("left_eye", "right_eye"), 64, 1.4)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A network of three points and faces of 64x64, its set beside it."""
    torch.manual_seed(3)
    path = tmp_path / "three.pth"
    torch.save(UNet(base_width=4, n_classes=3).state_dict(), path)
    name_file(path).write_text(json.dumps(SMALL.describe()))
    return path


@pytest.fixture
def artifact(checkpoint: Path) -> Path:
    """An artifact of it."""
    folder = checkpoint.parent / "made"
    export_artifact(checkpoint, ENGINES["onnxruntime"], folder, None, tune=False)
    return folder


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    content["landmarks"] |= changes
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("name", ["eager", "onnxruntime", "openvino", "openvino-bf16"])
def test_every_engine_takes_its_shapes_from_the_set(checkpoint: Path, name: str):
    engine = load_engine(name, checkpoint)
    faces = load_face(64).repeat(6, axis=0)
    assert engine.landmarks == SMALL
    assert engine.run(faces).shape == (6, 3, 64, 64)
    points, scores = engine.predict(faces)
    assert points.shape == (6, 3, 2) and scores.shape == (6, 3)


def test_an_artifact_carries_the_set(checkpoint: Path, artifact: Path):
    assert read_manifest(artifact).landmarks == SMALL
    wanted = load_engine("eager", checkpoint).run(load_face(64))
    name_file(checkpoint).unlink()
    checkpoint.unlink()  # the artifact alone
    engine = load_engine("onnxruntime", checkpoint, artifact)
    assert engine.landmarks == SMALL
    assert np.abs(engine.run(load_face(64)) - wanted).max() < 1e-3


def test_the_shipped_networks_have_the_default_set():
    for folder in ("unet-int8", "student-int8"):
        assert read_manifest(Path("models") / folder).landmarks == DEFAULT
    assert load_landmarks(Path("models/simple_unet.pth")) == DEFAULT


CHANGES: dict[str, dict[str, Any]] = {
    "has no points": {"points": []},
    "names two points 'nose'": {"points": ["nose", "nose", "left_eye"]},
    "mirrors 'chin', which is none of its points": {"mirror": [["nose", "chin"]]},
    "draws 3 points, and .* names 2": {"points": ["left_eye", "right_eye"]},
    "lacks 'side'": {"side": None},
}


@pytest.mark.parametrize("words", CHANGES)
def test_a_wrong_set_beside_a_checkpoint_is_refused_at_load(checkpoint: Path, words: str):
    content = SMALL.describe() | CHANGES[words]
    path = name_file(checkpoint)
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    for engine in ("eager", "auto"):
        settings = PredictorSettings(model=checkpoint, engine=engine)
        with pytest.raises(LandmarkError, match=words) as caught:
            CheckpointStore("unet", settings).load_all()
        assert str(path) in str(caught.value) and str(caught.value).endswith(".")


@pytest.mark.parametrize("words", CHANGES)
def test_a_wrong_set_in_a_manifest_is_refused_at_load(checkpoint: Path, artifact: Path, words: str):
    name_file(checkpoint).unlink()
    rewrite(artifact, **CHANGES[words])
    if "lacks" in words:
        content = json.loads((artifact / "manifest.json").read_text())
        del content["landmarks"]["side"]
        (artifact / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(EngineError, match=words) as caught:
        load_engine("onnxruntime", checkpoint)
    assert str(artifact / "manifest.json") in str(caught.value)
    caught.match("python -m predictor.export .* makes it anew")


def test_a_manifest_of_no_set_is_refused(checkpoint: Path, artifact: Path):
    content = json.loads((artifact / "manifest.json").read_text())
    del content["landmarks"]
    (artifact / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(EngineError, match=r"manifest\.json is incomplete.*landmarks"):
        load_engine("onnxruntime", checkpoint)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_side_that_is_not_the_graphs_is_refused(checkpoint: Path, tmp_path: Path, name: str):
    folder = tmp_path / "made"
    export_artifact(checkpoint, ENGINES[name], folder, None, tune=False)
    name_file(checkpoint).unlink()
    rewrite(folder, side=96)
    with pytest.raises(EngineError, match=r"can't run a face of 96x96 pixels, as .*manifest\.json"):
        load_engine(name, checkpoint)


def test_an_artifact_of_another_set_than_its_checkpoints_is_refused(
    checkpoint: Path, artifact: Path
):
    name_file(checkpoint).write_text(json.dumps(SMALL.describe() | {"crop_scale": 1.3}))
    with pytest.raises(EngineError, match=r"another landmark set than .*three\.landmarks\.json"):
        load_engine("onnxruntime", checkpoint)


def test_a_file_that_is_no_json_is_named(checkpoint: Path):
    name_file(checkpoint).write_text("{")
    with pytest.raises(LandmarkError, match=r"three\.landmarks\.json is no JSON\.$"):
        load_engine("eager", checkpoint)


def test_points_that_nobody_names_are_refused(checkpoint: Path):
    name_file(checkpoint).unlink()
    with pytest.raises(LandmarkError, match=r"draws 3 points, and without a .*default 15"):
        load_engine("eager", checkpoint)


def test_heatmaps_of_a_larger_set_are_asked_for_of_fewer_faces():
    assert count_heatmaps(DEFAULT, 32) == 32
    large = LandmarkSet(tuple(f"p{i}" for i in range(68)), (), ("p0", "p1"), 256, 1.0)
    assert count_heatmaps(large, 32) == 1
