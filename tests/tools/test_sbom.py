"""`make sbom` and `make audit`: what they write, and what they say where nothing can be asked."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from serving.server import RELEASE
from tools import sbom
from tools.processes import ROOT


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Stands in for what is installed: `answers` maps a tool to its exit code and output."""
    answers: dict[str, tuple[int, str]] = {}
    called: list[list[str]] = []
    (tmp_path / "lib/python3.11/site-packages").mkdir(parents=True)
    monkeypatch.setattr(sbom, "make_environment", lambda name: tmp_path / "bin/python")
    monkeypatch.setattr(sbom, "ROOT", tmp_path)
    (tmp_path / "out").mkdir()

    def run(command, **more):
        called.append(command)
        code, text = answers[Path(command[0]).name]
        if "-o" in command and not code:
            Path(command[command.index("-o") + 1]).write_text(text)
        error = "" if not code else f"long talk\n{text}"
        return subprocess.CompletedProcess(command, code, text if not code else "", error)

    monkeypatch.setattr(sbom.subprocess, "run", run)
    return answers, called


def test_the_list_names_the_image_and_its_release(tools):
    answers, called = tools
    answers["cyclonedx-py"] = (0, json.dumps({"bomFormat": "CycloneDX", "components": []}))
    path = sbom.write_sbom("predictor")
    content = json.loads(path.read_text())
    assert path.name == "landmarks-predictor.cdx.json"
    component = content["metadata"]["component"]
    assert (component["name"], component["version"]) == ("landmarks-predictor", RELEASE)
    assert called[0][1] == "environment"


def test_known_faults_are_listed_with_what_mends_them(tools):
    package = {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}
    other = {"name": "b", "version": "1", "vulns": [{"id": "X-2", "fix_versions": []}]}
    tools[0]["pip-audit"] = (
        0,
        json.dumps({"dependencies": [package, other, {"name": "c", "vulns": []}]}),
    )
    assert sbom.audit("predictor") == [
        "predictor: a 1 has X-1, mended in 2",
        "predictor: b 1 has X-2, mended in no version yet",
    ]


@pytest.mark.parametrize("text", ["ERROR: no route to host", ""])
def test_a_database_that_cannot_be_reached_is_said_in_a_sentence(tools, text):
    tools[0]["pip-audit"] = (1, text)
    with pytest.raises(sbom.SbomError, match="cannot be reached from here, so nothing was audited"):
        sbom.audit("predictor")


def test_what_nobody_looked_up_is_not_called_faultless(tools):
    skipped = {"name": "a", "skip_reason": "a was not found on PyPI"}
    tools[0]["pip-audit"] = (0, json.dumps({"dependencies": [skipped, skipped]}))
    with pytest.raises(sbom.SbomError, match="nothing was audited"):
        sbom.audit("predictor")
    seen = {"name": "b", "version": "1", "vulns": []}
    tools[0]["pip-audit"] = (0, json.dumps({"dependencies": [skipped, seen]}))
    assert sbom.audit("predictor") == ["predictor: a was not found on PyPI"]


def test_another_requirement_makes_another_environment(tmp_path):
    for name in ("predictor.txt", "serving.txt", "constraints.txt"):
        (tmp_path / name).write_text((ROOT / "requirements" / name).read_text())
    before = sbom.hash_requirements(tmp_path / "predictor.txt")
    assert before == sbom.hash_requirements(tmp_path / "predictor.txt")
    (tmp_path / "constraints.txt").write_text("numpy==1.0" + os.linesep)
    assert before != sbom.hash_requirements(tmp_path / "predictor.txt")


def test_the_tools_are_pinned():
    lines = (ROOT / "requirements/audit.txt").read_text().splitlines()
    assert {line.split("==")[0] for line in lines if "==" in line} == {"cyclonedx-bom", "pip-audit"}
