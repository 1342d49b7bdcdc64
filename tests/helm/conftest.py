"""Render the chart with helm, as `helm install` would."""

import functools
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

CHART = Path(__file__).resolve().parents[2] / "helm"
CAPABILITIES = ("serving.kserve.io/v1beta1", "keda.sh/v1alpha1", "monitoring.coreos.com/v1")

needs_helm = pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not on PATH")


class Refused(Exception):
    """helm would not render; the message is what it wrote."""


def render(*values: str, files: tuple[str, ...] = (), capabilities=CAPABILITIES) -> list[dict]:
    """Give the rendered objects, for --set values and values files. Raises Refused."""
    text = run_helm(values, files, capabilities)
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


@functools.cache
def run_helm(values: tuple[str, ...], files: tuple[str, ...], capabilities) -> str:
    """Run `helm template`, once for each set of arguments."""
    command = ["helm", "template", "landmarks", str(CHART), "--namespace", "vision"]
    for capability in capabilities:
        command += ["--api-versions", capability]
    for file in files:
        command += ["--values", str(CHART / file)]
    for value in values:
        command += ["--set", value]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def find(documents: list[dict], kind: str, name: str = "") -> dict:
    """Give the one object of this kind (and name)."""
    found = [
        document
        for document in documents
        if document["kind"] == kind and name in ("", document["metadata"]["name"])
    ]
    assert len(found) == 1, [(d["kind"], d["metadata"]["name"]) for d in documents]
    return found[0]


def render_service(*values: str, **options) -> dict:
    return find(render(*values, **options), "InferenceService")


def container(service: dict, component: str, name: str = "kserve-container") -> dict:
    """Give a container of the InferenceService."""
    containers = service["spec"][component]["containers"]
    return next(entry for entry in containers if entry["name"] == name)


def env(entry: dict) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in entry["env"]}
