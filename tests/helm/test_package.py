"""The chart as it is handed on: a package that says what it is, and nothing for lint to say."""

import shutil
import subprocess
import tarfile

import pytest
import yaml

from k8s.values_table import DOCUMENT, fill_in
from tests.helm.conftest import CHART, CI_FILES, needs_helm

META = yaml.safe_load((CHART / "Chart.yaml").read_text())
TOOLS = [name for name in ("helm", "helm4") if shutil.which(name)]


@needs_helm
def test_the_package_has_what_a_reader_needs_and_no_tests(tmp_path):
    subprocess.run(["helm", "package", CHART, "-d", tmp_path], check=True, capture_output=True)
    with tarfile.open(tmp_path / f"landmarks-{META['version']}.tgz") as archive:
        names = {name.removeprefix("landmarks/") for name in archive.getnames()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "values.schema.json"} <= names
    assert not [name for name in names if name.startswith("ci/")]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["", *CI_FILES])
def test_lint_has_nothing_to_say(tool, name):
    flags = ["--values", f"{CHART}/ci/{name}-values.yaml"] if name else []
    done = subprocess.run([tool, "lint", "--strict", CHART, *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[INFO]" not in done.stdout and "[WARNING]" not in done.stdout, done.stdout


def test_the_values_table_is_made_from_the_values():
    document = DOCUMENT.read_text()
    assert fill_in(document) == document, "run: python -m k8s.values_table"
