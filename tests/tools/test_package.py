"""`pip install .` installs the services, and the release stands in one place."""

import json
import os
import re
import shutil
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from serving.server import RELEASE
from tests.support.environment import end, run
from tools import release
from tools.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.onnx", "build", "*.egg-info", "dist")
SHARED = sysconfig.get_path("purelib")  # of this environment, where the dependencies are
FOLDERS = ("serving", "predictor", "transformer")
LOOK = """
import json, sys
from importlib import metadata, resources
import predictor, predictor.engines.openvino, predictor.convert, serving, transformer.detectors
from predictor.engines.golden import GOLDEN_FACE
from predictor.landmarks import DEFAULT
from serving.server import RELEASE
print(json.dumps({
    "at": [module.__file__ for module in (predictor, serving, transformer.detectors)],
    "face": GOLDEN_FACE.stat().st_size, "points": len(DEFAULT.points), "release": RELEASE,
    "version": metadata.version("landmarks"),
}))
"""
USE = """
import sys, landmarks_client
ours = {"grpc", "kserve", "numpy", "pandas", "PIL", "serving", "client"}
assert not ours & set(sys.modules), ours & set(sys.modules)
print(landmarks_client.__file__, landmarks_client.__version__)
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    """The wheels of the services and of the client, as pip builds them with this setuptools."""
    tree = tmp_path_factory.mktemp("tree")
    for name in (*FOLDERS, "client"):
        shutil.copytree(ROOT / name, tree / name, ignore=LEFT_OUT)
    for name in ("standalone.py", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tree / name)
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    run("python", "-m", "pip", "wheel", *offline, "-w", tree, tree, tree / "client")
    return {path.name.split("-")[0]: path for path in tree.glob("*.whl")}


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The programs of a fresh venv with both wheels alone, and the environment to run them in."""
    venv = tmp_path_factory.mktemp("venv")
    run("python", "-m", "venv", "--without-pip", venv)
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "install", "--quiet"]
    run(*pip, "--no-deps", "--no-index", *wheels.values())
    # The venv's own folder comes first: it has the wheels, the shared one their dependencies.
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = run(venv / "bin/python", "-c", purelib).strip()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDMARKS_")}
    return venv / "bin", environment | {"PYTHONPATH": os.pathsep.join((own, SHARED))}


def test_the_wheel_has_the_services_their_data_and_the_licence(wheels):
    with zipfile.ZipFile(wheels["landmarks"]) as archive:
        names = set(archive.namelist())
    command = ["git", "ls-files", *FOLDERS]  # modules, and data that they read
    ours = set(run(*command).split())
    assert len(ours) > 100 and not ours - names
    tops = {name.split("/")[0] for name in names}
    info = f"landmarks-{RELEASE}.dist-info"
    assert tops == {*FOLDERS, "standalone.py", info}
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= names


def test_what_is_installed_runs_outside_the_checkout(installed, tmp_path):
    programs, environment = installed
    told = json.loads(run(programs / "python", "-c", LOOK, cwd=tmp_path, env=environment))
    assert all(str(programs.parent) in path for path in told["at"])
    assert told["face"] > 9000 and told["points"] == 15
    assert told["release"] == told["version"] == RELEASE
    # Without a model, a sentence; and no traceback.
    for service in ("predictor", "transformer", "standalone"):
        ended = end(programs / f"landmarks-{service}", cwd=tmp_path, env=environment)
        assert ended.returncode == 1 and "Traceback" not in ended.stderr
        assert ended.stderr.strip().splitlines()[-1].count("models/") >= 1


def test_the_client_needs_nothing_of_the_services(wheels, installed, tmp_path):
    with zipfile.ZipFile(wheels["landmarks_client"]) as archive:
        names = set(archive.namelist())
    assert {f"landmarks_client/{path.name}" for path in ROOT.glob("client/*.py")} <= names
    assert "landmarks_client/py.typed" in names
    info = f"landmarks_client-{RELEASE}.dist-info"
    assert {name.split("/")[0] for name in names} == {"landmarks_client", info}
    programs, environment = installed
    told = run(programs / "python", "-c", USE, cwd=tmp_path, env=environment).split()
    assert told[0].startswith(str(programs.parent)) and told[1] == RELEASE
    shutil.copy(ROOT / "tests/assets/astronaut.jpg", tmp_path)
    command = [programs / "landmarks", "astronaut.jpg", "--url=http://127.0.0.1:1", "--retries=0"]
    ended = end(*command, cwd=tmp_path, env=environment)
    assert ended.returncode == 2 and ended.stderr.startswith("unreachable: ")
    assert (ROOT / "client/LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def find_numbers() -> dict[str, set[str]]:
    """Find the numbers of each file; a file without one is in it with an empty set."""
    numbers = {name: release.read_headings(name)[:1] for name in release.CHANGELOGS}
    for name, before in release.PLACES.items():
        text = (release.ROOT / name).read_text()
        numbers[name] = re.findall(rf"{before}({release.NUMBER})", text, re.M)
    return {name: set(found) for name, found in numbers.items()}


def test_the_release_stands_in_one_place():
    """The Dockerfiles have none: whoever builds one says it, as k8s/kind.sh does."""
    assert "version" not in PROJECT and "version" in PROJECT["dynamic"]
    assert all(found == {RELEASE} for found in find_numbers().values())
    for image in ("predictor", "transformer"):
        text = (ROOT / f"Dockerfile.{image}").read_text()
        assert re.search(r"^ARG VERSION=0\.0\.0-dev$", text, re.M), image
        assert 'image.version="$VERSION"' in text, image
    assert "appVersion" in (ROOT / "k8s/kind.sh").read_text()


def test_a_release_is_written_everywhere_or_nowhere(tmp_path, monkeypatch):
    for name in (*release.PLACES, *release.CHANGELOGS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(release, "ROOT", tmp_path)
    changes = tmp_path / "CHANGELOG.md"
    text = re.sub(r"(?s)## Unreleased.*?(?=## \d)", "## Unreleased\n\n", changes.read_text())
    changes.write_text(text)
    for version, words in (("9.0", "not a valid"), ("0.0.9", "older"), ("9.0.0", "nothing under")):
        with pytest.raises(SystemExit, match=words):
            release.write_number(version)
    assert {RELEASE} in find_numbers().values()
    changes.write_text(text.replace("## Unreleased\n", "## Unreleased\n\n- A change.\n"))
    release.write_number("9.0.0")
    assert set.union(*find_numbers().values()) == {"9.0.0"}
    assert "## 9.0.0 - 20" in changes.read_text().partition("- A change.")[0]
