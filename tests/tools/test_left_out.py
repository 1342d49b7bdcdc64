"""The closing line of a run names what was left out, and how to get it."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.end_to_end import test_other_clients
from tests.page.conftest import needs_chromium
from tests.support.left_out import HOW, write_left_out
from tools.processes import ROOT


def test_tools_are_counted_and_named():
    line = write_left_out(
        [
            "Skipped: java is not on this machine",
            "Skipped: helm is not on PATH",
            "Skipped: helm is not on PATH",
            "Skipped: there is a GPU",
        ]
    )
    assert line == (
        "tests left out: 2 for want of helm (helm.sh/docs/intro/install), "
        "1 for want of java (apt-get install default-jdk-headless)"
    )
    assert write_left_out(["Skipped: the package registry cannot be reached"]) == ""


def test_the_reasons_of_the_tests_are_known(monkeypatch):
    assert write_left_out([needs_chromium.mark.kwargs["reason"]])
    monkeypatch.setattr(test_other_clients, "shutil", SimpleNamespace(which=lambda name: None))
    for tool in ("java", "node", "npm", "go"):
        with pytest.raises(pytest.skip.Exception) as told:
            test_other_clients.find_tool(tool)
        assert HOW[tool] in write_left_out([str(told.value)])


def test_the_line_closes_a_run(tmp_path):
    test = tmp_path / "test_it.py"
    test.write_text("import pytest\n@pytest.mark.skip(reason='needs helm')\ndef test_it(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", test]
    done = subprocess.run(
        [*map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert "tests left out: 1 for want of helm (" in done.stdout, done.stdout + done.stderr
