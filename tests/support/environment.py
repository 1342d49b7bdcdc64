"""Programs run to their end, Python environments beside ours, and how much is generated."""

import os
import subprocess
import sys
import venv
from collections import Counter
from pathlib import Path
from typing import Any

from tools.processes import ROOT


def end(*words: object, **more: Any) -> subprocess.CompletedProcess:
    """Run a program in the checkout, `python` being this one; gives how it ended."""
    command = [sys.executable if words[0] == "python" else str(words[0]), *map(str, words[1:])]
    options: dict[str, Any] = {
        "cwd": ROOT,
        "capture_output": True,
        "text": True,
        "timeout": 300,
    } | more
    return subprocess.run(command, **options)


def run(*words: object, **more: Any) -> str:
    """Run a program that has to succeed; gives what it printed."""
    done = end(*words, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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


SOAK = int(os.environ.get("SOAK", "1"))
COUNTS: Counter[str] = Counter()  # what was generated, told at the end of a soak
