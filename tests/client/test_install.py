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
from pathlib import Path
import landmarks_client
from landmarks_client import Client, PictureError, Result
from PIL import Image
assert Image.MAX_IMAGE_PIXELS  # importing the client leaves Pillow as it was
assert not {"grpc", "kserve", "pandas", "pictures", "client"} & set(sys.modules)
picture = Path(sys.argv[1])
assert Result("", picture)._repr_png_()[:4] == b"\\x89PNG"
Client(grpc="127.0.0.1:1")
assert "grpc" in sys.modules and "kserve" not in sys.modules
print(landmarks_client.__file__, landmarks_client.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of the source distribution of a checkout, where `pictures` is a link."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("client", "pictures"):
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=LEFT_OUT)
    build = "import setuptools.build_meta as m, sys; m.build_sdist(sys.argv[1])"
    run(sys.executable, "-c", build, tree, cwd=tree / "client")
    (source,) = tree.glob("*.tar.gz")
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_the_client_its_types_and_the_reader_of_pictures(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("landmarks_client/")}
        tops = {name.split("/")[0] for name in archive.namelist()}
    ours = {path.relative_to(ROOT / "client").as_posix() for path in ROOT.glob("client/*.py*")}
    ours |= {f"pictures/{path.name}" for path in ROOT.glob("pictures/*.py")}
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
    for path in [*ROOT.glob("client/*.py"), *ROOT.glob("pictures/*.py")]:
        found = re.findall(r"^\s*(?:from|import) ([a-z_]+)", path.read_text(), re.M)
        assert not {"client", "pictures", "serving", "kserve", "tools"} & set(found), path
