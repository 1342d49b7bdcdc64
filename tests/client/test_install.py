"""`pip install ./client` gives the package `landmarks_client` and the command `landmarks`."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import client
from serving.server import RELEASE
from tests.tools.test_package import LEFT_OUT, SHARED, build_wheel, install_wheel, run
from tools.processes import ROOT

USE = """
import sys
import landmarks_client
from landmarks_client import Client
assert not {"grpc", "kserve", "pandas", "PIL", "client"} & set(sys.modules)
Client(grpc="127.0.0.1:1")
assert "grpc" in sys.modules and "kserve" not in sys.modules
print(landmarks_client.__file__, landmarks_client.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of the source distribution of a checkout."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "client", tree / "client", ignore=LEFT_OUT)
    build = "import setuptools.build_meta as m, sys; m.build_sdist(sys.argv[1])"
    run(sys.executable, "-c", build, tree, cwd=tree / "client")
    (source,) = tree.glob("*.tar.gz")
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_the_client_and_its_types(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("landmarks_client/")}
        tops = {name.split("/")[0] for name in archive.namelist()}
    ours = {path.relative_to(ROOT / "client").as_posix() for path in ROOT.glob("client/*.py*")}
    assert {f"landmarks_client/{name}" for name in ours - {"pyproject.toml"}} <= names
    assert "landmarks_client/py.typed" in names
    assert tops == {"landmarks_client", f"landmarks_client-{RELEASE}.dist-info"}


def test_it_runs_without_the_service(wheel, tmp_path, astronaut):
    python = install_wheel(wheel, tmp_path / "venv")
    own = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((own, SHARED))}
    (tmp_path / "picture.jpg").write_bytes(astronaut)
    picture = tmp_path / "picture.jpg"
    told = run(python, "-c", USE, picture, cwd=tmp_path, env=environment)
    assert str(tmp_path) in told and told.endswith(f" {RELEASE}\n")
    command = [tmp_path / "venv/bin/landmarks", picture, "--url=http://127.0.0.1:1", "--retries=0"]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 2 and ended.stderr.startswith("unreachable: ")


def test_it_is_of_the_services_release_and_licence():
    assert client.__version__ == RELEASE
    assert (ROOT / "client/LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_nothing_of_it_needs_the_checkout():
    """It imports itself by `from .`, whatever it is called, and of others what it names."""
    for path in ROOT.glob("client/*.py"):
        found = re.findall(r"^\s*(?:from|import) ([a-z_]+)", path.read_text(), re.M)
        assert not {"client", "PIL", "serving", "kserve", "tools"} & set(found), path
