"""Render the chart with helm, as `helm install` would."""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

CHART = Path(__file__).resolve().parents[2] / "helm"
CAPABILITIES: tuple[str, ...] = ("serving.kserve.io/v1beta1", "serving.knative.dev/v1")
CAPABILITIES += ("keda.sh/v1alpha1", "monitoring.coreos.com/v1")
MODES = ("knative", "keda", "external", "none")
PLAIN, ONE = "autoscaling.mode=none", "topology=single"
CI_FILES = tuple(path.name.removesuffix("-values.yaml") for path in sorted(CHART.glob("ci/*.yaml")))

needs_helm = pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not on PATH")


class Refused(Exception):
    """helm would not render; the message is what it wrote."""


class StrictLoader(yaml.CSafeLoader):
    """Refuses a key that a mapping has twice, as kustomize and Flux do."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        assert not twice, f"{sorted(twice)} twice, {node.start_mark}"
        return super().construct_mapping(node, deep)


def render(*values: str, **options) -> list[dict]:
    """Return the rendered objects, for --set values and render_text's options. Raises Refused."""
    return parse(render_text(*values, **options))


@functools.cache
def parse(text: str) -> list[dict]:
    """Read what was rendered, once: whoever gets it leaves it as it is."""
    return [document for document in yaml.load_all(text, StrictLoader) if document]


def render_text(
    *values: str,
    files: tuple[str, ...] = (),
    capabilities: tuple[str, ...] = CAPABILITIES,
    given: dict | None = None,
    chart: Path = CHART,
    release: str = "landmarks",
    namespace: str = "vision",
) -> str:
    arguments = [release, str(chart), f"--namespace={namespace}"]
    arguments += [f"--api-versions={capability}" for capability in capabilities]
    arguments += [f"--values={CHART / file}" for file in files]
    arguments += [f"--set={value}" for value in values]
    return run_helm(tuple(arguments), json.dumps(given) if given else "")


@functools.cache
def run_helm(arguments: tuple[str, ...], given: str) -> str:
    command = ["helm", "template", *arguments]
    if given:
        command += ["--values", "-"]
    quick = os.environ | {"GOGC": "off"}  # it lives a tenth of a second: no need to collect
    done = subprocess.run(command, input=given, capture_output=True, text=True, env=quick)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def find(documents: list[dict], kind: str, name: str = "") -> dict:
    mine = [document for document in documents if document["kind"] == kind]
    (found,) = [each for each in mine if name in ("", each["metadata"]["name"])]
    return found


def render_service(*values: str, **options) -> dict:
    return find(render(*values, **options), "InferenceService")


def container(service: dict, component: str, name: str = "kserve-container") -> dict:
    containers = service["spec"][component]["containers"]
    return next(entry for entry in containers if entry["name"] == name)


def env(entry: dict) -> dict[str, str]:
    """Return the environment of a container; a name that is there twice is a fault."""
    names = [variable["name"] for variable in entry["env"]]
    assert len(set(names)) == len(names), names
    return {variable["name"]: variable.get("value") for variable in entry["env"]}


def read_values() -> dict:
    return yaml.safe_load((CHART / "values.yaml").read_text())


def merge(*mappings: dict) -> dict:
    """Lay mappings over one another, all the way down."""
    result: dict = {}
    for mapping in mappings:
        for key, value in mapping.items():
            if isinstance(value, dict) and isinstance(result.get(key), dict):
                result[key] = merge(result[key], value)
            else:
                result[key] = value
    return result
