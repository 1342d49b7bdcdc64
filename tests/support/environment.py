"""Python environments beside ours, for clients and tools that don't go into one with it."""

import subprocess
import venv
from pathlib import Path

from tools.processes import ROOT


def make_environment(name: str) -> Path:
    """Return the interpreter of `.venv/name`, which the first run makes of requirements/`name`.txt.

    Raises CalledProcessError where the packages can't be had.
    """
    folder, wanted = ROOT / ".venv" / name, ROOT / f"requirements/{name}.txt"
    done, python = folder / "done.txt", folder / "bin/python"
    if not done.is_file() or done.read_text() != wanted.read_text():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        done.write_text(wanted.read_text())
    return python
