"""An image gets the detector that its build names, or there is no image."""

import hashlib

import pytest

from tests.support.environment import end
from tools import fetch_models
from tools.fetch_models import FetchError, fetch_detector, fetch_named


@pytest.fixture(autouse=True)
def zoo(tmp_path, monkeypatch):
    """Two detectors, of which both can be had."""
    monkeypatch.setattr(fetch_models, "FOLDER", tmp_path / "detector")
    files = {
        name: (f"{name}.onnx", hashlib.sha256(name.encode()).hexdigest(), name.encode)
        for name in ("yunet", "centerface")
    }
    monkeypatch.setattr(fetch_models, "FILES", files)
    return files


def list_files() -> list[str]:
    return sorted(p.name for p in fetch_models.FOLDER.glob("*"))


def fail() -> bytes:
    raise OSError("no network")


def test_the_named_one_is_the_only_one(zoo):
    fetch_named("centerface")
    fetch_named("yunet")
    assert list_files() == ["yunet.onnx"]


def test_what_cannot_be_had_is_not_swapped_for_another(zoo):
    fetch_named("centerface")
    zoo["yunet"] = (*zoo["yunet"][:2], fail)
    with pytest.raises(FetchError, match="yunet could not be had: OSError"):
        fetch_named("yunet")
    assert list_files() == ["centerface.onnx"]


def test_a_file_that_is_there_is_checked_too(zoo):
    fetch_named("yunet")
    (fetch_models.FOLDER / "yunet.onnx").write_bytes(b"yun")
    with pytest.raises(FetchError, match="sha256"):
        fetch_named("yunet")


def test_unnamed_the_second_is_taken_and_said(zoo):
    zoo["yunet"] = (*zoo["yunet"][:2], fail)
    assert "centerface" in fetch_detector() and list_files() == ["centerface.onnx"]
    assert "is there" in fetch_detector()


def test_an_unknown_name_is_refused():
    ended = end("python", "-m", "tools.fetch_models", "haar")
    assert ended.returncode == 1 and "yunet, centerface and mesh" in ended.stderr
