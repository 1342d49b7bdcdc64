"""`make sbom` lists what is in an image, by cyclonedx-py; needs a package registry."""

import json
import subprocess

import pytest

from tests.tools.test_images import read_requirements
from tools.processes import ROOT


def test_the_lists_have_every_package_that_the_images_install():
    done = subprocess.run(["make", "sbom"], cwd=ROOT, capture_output=True, text=True, timeout=900)
    if "registry" in done.stderr:
        pytest.skip("the package registry cannot be reached")
    assert done.returncode == 0, done.stdout + done.stderr
    for image in ("predictor", "transformer"):
        content = json.loads((ROOT / f"out/landmarks-{image}.cdx.json").read_text())
        found = {entry["name"].lower().replace("_", "-") for entry in content["components"]}
        assert set(read_requirements(image)) <= found
        assert "pip" not in found and content["metadata"]["component"]["name"] == "landmarks"
