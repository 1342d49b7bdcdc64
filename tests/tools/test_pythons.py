"""Other Pythons: those that the project takes, and one sentence to those that it doesn't."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.processes import ROOT

LEAST = 11  # of 3.11


def list_pythons() -> dict[str, Path]:
    """List an interpreter of each 3.N that is on PATH or that pyenv has."""
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
    done = subprocess.run([python, "--version"], capture_output=True, text=True, timeout=60)
    return done.stdout.strip().removeprefix("Python ") if done.returncode == 0 else ""


PYTHONS = list_pythons()
OLD = {n: p for n, p in PYTHONS.items() if int(n.split(".")[1]) < LEAST}
TAKEN = {n: p for n, p in PYTHONS.items() if n not in OLD}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make demo` reads until it has an environment."""
    for name in ("Makefile", "requirements", "tools", "bench", "k8s", "training"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, tmp_path / name, ignore=shutil.ignore_patterns("*.json", "*.png")
            )
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def make(checkout: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "MAKE"))}
    return subprocess.run(
        ["make", "demo", *arguments],
        cwd=checkout,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("python", ["python3.no", *map(str, OLD.values())])
def test_make_says_what_it_needs_in_a_sentence(checkout, python):
    done = make(checkout, f"PYTHON={python}")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{python} is not there, is older than Python 3.11" in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_what_to_install(checkout, module):
    (checkout / f"{module}.py").write_text(f"raise ImportError('No module named {module}')")
    done = make(checkout, f"PYTHON={next(reversed(TAKEN.values()))}", PYTHONPATH=str(checkout))
    assert done.returncode == 2 and "apt-get install python3-venv" in done.stderr


def test_a_registry_that_is_not_there_is_named(checkout):
    done = make(
        checkout,
        f"PYTHON={next(reversed(TAKEN.values()))}",
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_CONFIG_FILE=os.devnull,
        PIP_RETRIES="0",
    )
    assert done.returncode == 2 and "PIP_INDEX_URL" in done.stderr.splitlines()[-2]


# What runs this test has all packages: make installed them.
@pytest.mark.parametrize("name", [n for n in TAKEN if n != f"python3.{sys.version_info.minor}"])
def test_a_python_that_is_taken_finds_all_packages(name, tmp_path):
    """pip resolves what the services need; nothing is installed."""
    subprocess.run([TAKEN[name], "-m", "venv", tmp_path / "venv"], check=True, timeout=300)
    pip = [tmp_path / "venv/bin/pip", "install", "--dry-run", "--quiet", "--no-deps", "-r"]
    done = subprocess.run(
        [*pip, ROOT / "requirements/transformer.txt"], capture_output=True, text=True, timeout=600
    )
    if "Failed to establish a new connection" in done.stderr:
        pytest.skip("the package registry cannot be reached")
    assert done.returncode == 0, done.stderr[-3000:]
