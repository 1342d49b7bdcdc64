"""A machine is set up, or told what it lacks: Pythons, venv, registry, the detector."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import end
from tools import fetch_models
from tools.fetch_models import FetchError, fetch_detector, fetch_named
from tools.processes import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make demo` reads until it has an environment."""
    for name in ("Makefile", "requirements", "tools", "bench", "k8s", "training"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def make(checkout: Path, python: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "MAKE"))}
    return end("make", "demo", f"PYTHON={python}", cwd=checkout, env=environment | variables)


@pytest.mark.parametrize("python", ["python3.no", "false"])  # as of an older one: not from 3.11 on
def test_make_says_what_it_needs_in_a_sentence(checkout, python):
    done = make(checkout, python)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{python} is not there, is older than Python 3.11" in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_what_to_install(checkout, module):
    (checkout / f"{module}.py").write_text(f"raise ImportError('No module named {module}')")
    done = make(checkout, sys.executable, PYTHONPATH=str(checkout))
    assert done.returncode == 2 and "apt-get install python3-venv" in done.stderr


def test_a_registry_that_is_not_there_is_named(checkout):
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
    done = make(checkout, sys.executable, **nowhere, PIP_RETRIES="0")
    assert done.returncode == 2 and "PIP_INDEX_URL" in done.stderr.splitlines()[-2]


@pytest.fixture
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


def test_the_named_detector_alone_is_had_and_never_swapped_for_another(zoo):
    fetch_named("centerface")
    fetch_named("yunet")
    assert list_files() == ["yunet.onnx"]
    (fetch_models.FOLDER / "yunet.onnx").write_bytes(b"yun")
    with pytest.raises(FetchError, match="sha256"):
        fetch_named("yunet")
    fetch_named("centerface")
    zoo["yunet"] = (*zoo["yunet"][:2], fail)
    with pytest.raises(FetchError, match="yunet could not be had: OSError"):
        fetch_named("yunet")
    assert list_files() == ["centerface.onnx"]


def test_unnamed_the_second_is_taken_and_said(zoo):
    zoo["yunet"] = (*zoo["yunet"][:2], fail)
    assert "centerface" in fetch_detector() and list_files() == ["centerface.onnx"]
    assert "is there" in fetch_detector()


def test_an_unknown_name_is_refused():
    ended = end("python", "-m", "tools.fetch_models", "haar")
    assert ended.returncode == 1 and "yunet, centerface and mesh" in ended.stderr
