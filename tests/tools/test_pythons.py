"""Other Pythons than those that the project takes, and a machine without venv or registry."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.environment import end
from tools.processes import ROOT

LEAST = 11  # of 3.11


def list_pythons() -> dict[str, Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [*map(Path, os.environ["PATH"].split(os.pathsep)), *pyenv.glob("versions/*/bin")]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("python3.*")) if folder.is_dir() else ():
            if re.fullmatch(r"python3\.\d+", path.name) and path.parent.name != "shims":
                found.setdefault(path.name, path)
    works = {name: path for name, path in found.items() if tell_version(path)}
    return dict(sorted(works.items(), key=lambda item: int(item[0].split(".")[1])))


def tell_version(python: Path) -> str:
    done = end(python, "--version")
    return done.stdout.strip().removeprefix("Python ") if done.returncode == 0 else ""


PYTHONS = list_pythons()
OLD = {n: p for n, p in PYTHONS.items() if int(n.split(".")[1]) < LEAST}
NEWEST = next(reversed(PYTHONS.values()))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make demo` reads until it has an environment."""
    for name in ("Makefile", "requirements", "tools", "bench", "k8s", "training"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def make(checkout: Path, python: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "MAKE"))}
    return end("make", "demo", f"PYTHON={python}", cwd=checkout, env=environment | variables)


@pytest.mark.parametrize("python", ["python3.no", *map(str, OLD.values())])
def test_make_says_what_it_needs_in_a_sentence(checkout, python):
    done = make(checkout, python)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{python} is not there, is older than Python 3.11" in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_what_to_install(checkout, module):
    (checkout / f"{module}.py").write_text(f"raise ImportError('No module named {module}')")
    done = make(checkout, NEWEST, PYTHONPATH=str(checkout))
    assert done.returncode == 2 and "apt-get install python3-venv" in done.stderr


def test_a_registry_that_is_not_there_is_named(checkout):
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
    done = make(checkout, NEWEST, **nowhere, PIP_RETRIES="0")
    assert done.returncode == 2 and "PIP_INDEX_URL" in done.stderr.splitlines()[-2]
