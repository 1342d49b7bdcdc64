"""The hosting site's workflows: valid, safe to run, and made of actions that can't be moved."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.environment import run
from tools.processes import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
BIN = Path(sys.executable).parent
SCHEMAS = {"github-workflows": WORKFLOWS, "dependabot": [GITHUB / "dependabot.yml"]}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_it_is_what_the_site_reads(schema):
    run(BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *SCHEMAS[schema])


def test_zizmor_finds_nothing():
    run(BIN / "zizmor", "--offline", "--no-progress", "--persona", "pedantic", ".github")


def test_every_action_is_pinned_by_its_commit_with_its_release_beside_it():
    uses = [line for file in WORKFLOWS for line in file.read_text().splitlines() if "uses:" in line]
    assert len(uses) > 10
    for line in uses:
        assert re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_the_release_builds_what_the_dockerfiles_are():
    images = yaml.safe_load((GITHUB / "workflows/release.yml").read_text())["jobs"]["images"]
    rows = {row["image"]: row for row in images["strategy"]["matrix"]["include"]}
    assert set(rows) == {"predictor", "transformer", "standalone"}
    for name, row in rows.items():
        text = (ROOT / row["file"]).read_text()
        assert f'"-m", "{name}"' in text
        assert not row["target"] or f"AS {row['target']}\n" in text
