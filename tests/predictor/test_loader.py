"""A folder of models: what is found in it, and what a broken one does to the others."""

import json
import shutil
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from predictor.declaration import DeclarationError
from predictor.loader import ModelStore, find_models
from predictor.settings import PredictorSettings

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Converted folders of the student, and what is not one."""
    for name in ("default", "tiny", "wide/1", "wide/3"):
        shutil.copytree(MODELS / "student-int8", tmp_path / name / "converted")
        (tmp_path / name / "model.json").write_text("{}")
    (tmp_path / "wide/latest").mkdir()
    (tmp_path / "broken/1").mkdir(parents=True)
    (tmp_path / "broken/1/model.pth").write_bytes(b"nothing")
    return tmp_path


def make_store(folder: Path) -> ModelStore:
    return ModelStore("unet", PredictorSettings(model=folder / "default", models=folder))


def test_models_are_found_as_folders_and_as_files_and_the_default_is_not_served_twice(folder):
    assert make_store(folder).list_versions() == {
        "unet": ["1"],
        "tiny": ["1"],
        "wide": ["1", "3"],
        "broken": ["1"],
    }
    shutil.copy(MODELS / "student_unet.pth", folder / "bare.pth")
    places = {("default", "1"), ("tiny", "1"), ("wide", "1"), ("wide", "3"), ("broken", "1")}
    assert set(find_models(folder)) == places | {("bare", "1")}
    assert find_models(None) == {}


@pytest.mark.parametrize(
    "name, models, words",
    [("tiny", ".", "both are tiny, version 1"), ("unet", "none", "which is not a folder")],
)
def test_what_is_there_twice_or_not_at_all_is_refused(folder, name, models, words):
    settings = PredictorSettings(model=folder / "default", models=folder / models)
    with pytest.raises(ValueError, match=words):
        ModelStore(name, settings).load_all()


BREAKS = {
    "is not valid JSON": lambda path: path.write_text("{"),
    "made by another release": lambda path: path.write_text("[]"),
    "'files'": lambda path: rewrite(path, files=[]),
    "'versions'": lambda path: rewrite(path, versions="x"),
    "'max_batch'": lambda path: rewrite(path, max_batch="many"),
    "less than or equal to 1024": lambda path: rewrite(path, max_batch=10**23),
    "'landmarks'": lambda path: rewrite(path, landmarks=None),
}


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("words", BREAKS)
def test_a_broken_model_does_not_take_the_others_down(folder, words):
    BREAKS[words](folder / "tiny/converted/manifest.json")
    models, reasons = make_store(folder).load_all()
    assert {(m.name, m.version) for m in models} == {("unet", "1"), ("wide", "1"), ("wide", "3")}
    assert set(reasons) == {("broken", "1"), ("tiny", "1")}
    assert words in reasons["tiny", "1"] and "model.pth" in reasons["broken", "1"]


def test_a_broken_default_is_fatal(folder):
    (folder / "default/model.json").unlink()
    shutil.rmtree(folder / "default/converted")
    with pytest.raises(DeclarationError, match="has no network"):
        make_store(folder).load_all()


async def test_the_engine_is_told_of_while_it_serves(folder):
    models, _ = make_store(folder).load_all()
    wide = next(model for model in models if model.version == "3")
    labels = {"model": "wide", "version": "3", "engine": wide.engine_name}
    assert REGISTRY.get_sample_value("landmarks_engine_info", labels) == 1
    await wide.close()
    assert REGISTRY.get_sample_value("landmarks_engine_info", labels) is None


def test_the_artifacts_folder_is_taken_under_its_older_spelling_too(monkeypatch):
    monkeypatch.setenv("LANDMARKS_ARTEFACT", "models/older")
    assert PredictorSettings().artifact == Path("models/older")
    monkeypatch.setenv("LANDMARKS_ARTIFACT", "models/newer")
    assert PredictorSettings().artifact == Path("models/newer")
