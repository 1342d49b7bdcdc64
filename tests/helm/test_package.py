"""The chart as it is handed on: a package that says what it is, and nothing for lint to say."""

import base64
import re
import shutil
import subprocess
import tarfile
from xml.etree import ElementTree

import pytest
import yaml

from tests.helm.conftest import CHART, needs_helm

META = yaml.safe_load((CHART / "Chart.yaml").read_text())
CI_FILES = sorted(CHART.glob("ci/*-values.yaml"))
TOOLS = [name for name in ("helm", "helm4") if shutil.which(name)]


@needs_helm
def test_the_package_has_what_a_reader_needs_and_no_tests(tmp_path):
    subprocess.run(["helm", "package", CHART, "-d", tmp_path], check=True, capture_output=True)
    with tarfile.open(tmp_path / f"landmarks-{META['version']}.tgz") as archive:
        names = {name.removeprefix("landmarks/") for name in archive.getnames()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "values.schema.json"} <= names
    assert not [name for name in names if name.startswith("ci/")]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "values", [None, *CI_FILES], ids=lambda path: path.stem if path else "none"
)
def test_lint_has_nothing_to_say(tool, values):
    flags = ["--values", str(values)] if values else []
    done = subprocess.run([tool, "lint", "--strict", CHART, *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[INFO]" not in done.stdout and "[WARNING]" not in done.stdout, done.stdout


def test_every_scenario_says_what_it_is():
    for path in CI_FILES:
        assert path.read_text().startswith("# "), path


def test_the_changelog_begins_with_this_version():
    versions = re.findall(r"^## (\S+)$", (CHART / "CHANGELOG.md").read_text(), re.M)
    assert versions[0] == META["version"]


def test_artifact_hub_gets_valid_annotations():
    changes = yaml.safe_load(META["annotations"]["artifacthub.io/changes"])
    kinds = {"added", "changed", "deprecated", "removed", "fixed", "security"}
    assert changes and all(change["kind"] in kinds for change in changes)
    assert all(isinstance(value, str) for value in META["annotations"].values())


def test_the_icon_is_a_picture():
    text = META["icon"].removeprefix("data:image/svg+xml;base64,")
    points = ElementTree.fromstring(base64.b64decode(text)).iter(
        "{http://www.w3.org/2000/svg}circle"
    )
    assert len(list(points)) == 15


@needs_helm
@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not on PATH")
def test_a_signed_package_can_be_verified(tmp_path):
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = [
        "gpg",
        "--homedir",
        str(home),
        "--batch",
        "--yes",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
    ]
    subprocess.run(
        [*gpg, "--quick-gen-key", "landmarks", "rsa2048"], check=True, capture_output=True
    )
    secret, public = tmp_path / "secring.gpg", tmp_path / "pubring.gpg"
    subprocess.run([*gpg, "-o", secret, "--export-secret-keys"], check=True, capture_output=True)
    subprocess.run([*gpg, "-o", public, "--export"], check=True, capture_output=True)
    command = [
        "helm",
        "package",
        CHART,
        "-d",
        tmp_path,
        "--sign",
        "--key",
        "landmarks",
        "--keyring",
        secret,
    ]
    subprocess.run(command, check=True, capture_output=True)
    package = tmp_path / f"landmarks-{META['version']}.tgz"
    done = subprocess.run(
        ["helm", "verify", package, "--keyring", public], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
