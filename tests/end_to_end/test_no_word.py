"""No process of ours connects to what nobody configured, or writes where nobody would look."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.support.environment import run
from tests.training.made import make_folder
from tools.processes import ROOT, find_ports, run_services

HOOK = """
import json, os, sys
PLACES = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "urllib.Request": 0}
told = os.open(os.environ["TOLD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def tell(event, arguments):
    if event in PLACES:
        what = arguments[PLACES[event]]
        what = what[0] if isinstance(what, tuple) else what
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & 3:
        if isinstance(arguments[0], int):
            return
        what = os.path.abspath(os.fsdecode(arguments[0]))
    else:
        return
    os.write(told, (json.dumps([event, str(what)]) + "\\n").encode())
sys.addaudithook(tell)
"""
OURS = ("127.0.0.1", "localhost", "::1")
FILES = (str(ROOT / "out"), tempfile.gettempdir(), "/dev/", "/proc/self/")
FAST = ("--steps", "2", "--batch", "2", "--threads", "1", "--width", "4", "--side", "32")
CLIENT = ("-m", "client", str(ROOT / "tests/assets/astronaut.jpg"), "--url")


@pytest.fixture
def watched(tmp_path: Path, monkeypatch) -> Path:
    """Watch all Python of this test's processes; return where it is told."""
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    (tmp_path / "home").mkdir()
    for name, value in (("HOME", "home"), ("TOLD", "told"), ("PYTHONPATH", "")):
        monkeypatch.setenv(name, str(tmp_path / value))
    return tmp_path


def list_strangers(watched: Path) -> list[str]:
    """List what was connected to beside this machine, and the files written elsewhere."""
    strange = []
    for line in (watched / "told").read_text().splitlines():
        event, what = json.loads(line)
        allowed = event == "open" and (what.startswith(FILES) or "__pycache__" in what)
        if not (allowed or what in OURS or (event != "open" and what.startswith("/"))):
            strange.append(line)
    return strange + [str(path) for path in (watched / "home").rglob("*") if path.is_file()]


def test_services_and_client_are_silent(watched):
    with run_services(find_ports(), watched / "logs", {"LANDMARKS_DRAIN_SECONDS": "0"}) as both:
        run("python", *CLIENT, both[1].url)
    assert list_strangers(watched) == []


def test_the_demo_is_silent(watched):
    run("python", "-m", "tools.demo")
    assert "demo.png" in (watched / "told").read_text()  # it was seen
    assert list_strangers(watched) == []


def test_training_and_conversion_are_silent(watched):
    data, mine = make_folder(watched / "data", 20), watched / "mine.pth"
    run("python", "-m", "training.train", "--data", data, "--out", mine, *FAST)
    run("python", "-m", "predictor.convert", mine)
    run("python", "-m", "training.evaluate", "--model", mine, "--data", data)
    assert "manifest.json" in (watched / "told").read_text()  # it was seen
    assert list_strangers(watched) == []
