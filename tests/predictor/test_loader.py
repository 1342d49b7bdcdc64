"""A folder of models: what is found in it, and what a broken one does to the others."""

import json
from pathlib import Path

import pytest
import torch

from predictor.engines.golden import GoldenError
from predictor.engines.manifest import hash_file
from predictor.golden import golden_path
from predictor.loader import CheckpointStore, find_checkpoints
from predictor.settings import PredictorSettings
from predictor.unet import UNet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    state = UNet(base_width=8).state_dict()
    for name in ("default.pth", "tiny.pth", "wide/1/model.pth", "wide/3/model.pth"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, tmp_path / name)
    (tmp_path / "wide/latest").mkdir()
    (tmp_path / "broken/1").mkdir(parents=True)
    (tmp_path / "broken/1/model.pth").write_bytes(b"nothing")
    return tmp_path


def make_loader(folder: Path) -> CheckpointStore:
    settings = PredictorSettings(model=folder / "default.pth", models=folder, engine="eager")
    return CheckpointStore("unet", settings)


def test_checkpoints_are_found_with_and_without_folders(folder):
    assert set(find_checkpoints(folder)) == {
        ("default", "1"),
        ("tiny", "1"),
        ("wide", "1"),
        ("wide", "3"),
        ("broken", "1"),
    }
    assert find_checkpoints(None) == {} == find_checkpoints(folder / "none")


def test_the_default_model_is_not_served_twice(folder):
    found = make_loader(folder).list_versions()
    assert found == {"unet": ["1"], "tiny": ["1"], "wide": ["1", "3"], "broken": ["1"]}


def test_a_broken_model_does_not_take_the_others_down(folder):
    models, reasons = make_loader(folder).load_all()
    assert {(m.name, m.version) for m in models} == {
        ("unet", "1"),
        ("tiny", "1"),
        ("wide", "1"),
        ("wide", "3"),
    }
    assert list(reasons) == [("broken", "1")] and "model.pth" in reasons["broken", "1"]


def test_a_broken_default_is_fatal(folder):
    (folder / "default.pth").write_bytes(b"nothing")
    with pytest.raises(ValueError):
        make_loader(folder).load_all()


def test_a_network_whose_numbers_are_wrong_is_not_served(folder):
    for name in ("default.pth", "tiny.pth"):
        golden = {"sha256": hash_file(folder / name), "landmarks": [[-50.0, -50.0]] * 15}
        golden_path(folder / name).write_text(json.dumps(golden))
    with pytest.raises(GoldenError, match="pixels off"):
        make_loader(folder).load_all()
    golden_path(folder / "default.pth").unlink()
    models, reasons = make_loader(folder).load_all()
    assert "tiny" not in {model.name for model in models}
    assert "pixels off" in reasons["tiny", "1"]


def test_the_artifacts_folder_is_taken_under_its_older_spelling_too(monkeypatch):
    monkeypatch.setenv("LANDMARKS_ARTEFACT", "models/older")
    assert PredictorSettings().artifact == Path("models/older")
    monkeypatch.setenv("LANDMARKS_ARTIFACT", "models/newer")
    assert PredictorSettings().artifact == Path("models/newer")
