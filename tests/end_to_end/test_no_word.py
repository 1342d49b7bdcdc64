"""No process of ours connects to what nobody configured, or writes into the user's home."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.processes import ROOT, find_ports, run_services

HOOK = """
import json, os, sys
EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request")
told = os.open(os.environ["TOLD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def tell(event, arguments):
    if event in EVENTS:
        os.write(told, (json.dumps([event, str(arguments)]) + "\\n").encode())
sys.addaudithook(tell)
"""
PROGRAMS = {
    "client": "import client; client.locate(%r, %r)",
    "demo": "import tools.demo, tools.serve",
    "convert": "import predictor.convert.artifact, predictor.convert.quantise",
    "training": "import training.train, training.distil, training.evaluate",
}


@pytest.fixture
def watched(tmp_path: Path, monkeypatch) -> Path:
    """Watch all Python of this test's processes; return where it is told."""
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    (tmp_path / "home").mkdir()
    for name, value in (("HOME", "home"), ("TOLD", "told"), ("PYTHONPATH", "")):
        monkeypatch.setenv(name, str(tmp_path / value))
    return tmp_path


def list_strangers(watched: Path) -> list[str]:
    """List what was connected to beside this machine, and what was written."""
    told = watched / "told"
    lines = told.read_text().splitlines() if told.exists() else []
    own = ("127.0.0.1", "localhost", "::1", "/")
    strange = [line for line in lines if not any(name in json.loads(line)[1] for name in own)]
    return strange + [str(path) for path in (watched / "home").rglob("*") if path.is_file()]


def test_services_and_client_are_silent(watched, astronaut):
    with run_services(find_ports(), watched / "logs", {"LANDMARKS_DRAIN_SECONDS": "0"}) as both:
        program = PROGRAMS["client"] % (str(ROOT / "tests/assets/astronaut.jpg"), both[1].url)
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
    assert (watched / "told").stat().st_size  # the client was seen
    assert list_strangers(watched) == []


@pytest.mark.parametrize("name", ["demo", "convert", "training"])
def test_other_programs_are_silent(watched, name):
    command = [sys.executable, "-c", PROGRAMS[name]]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120, env=os.environ)
    assert list_strangers(watched) == []
