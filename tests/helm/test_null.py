"""null takes a default away, at every value and section; the chart then renders or says why not."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.helm.conftest import Refused, check, find, merge, needs_helm, read_values, render

pytestmark = needs_helm

# Everything on, so that a value is used wherever it could be.
BUSY: dict = {
    "networkPolicy": {"enabled": True},
    "monitoring": {"podMonitor": True, "prometheusRule": True, "dashboard": True},
    "gpu": {"enabled": True},
}
MODES: dict[str, dict] = {
    "knative": {"autoscaling": {"mode": "knative"}},
    "keda": {"autoscaling": {"mode": "keda"}},
    "single": {"autoscaling": {"mode": "keda"}, "topology": "single", "gpu": {"enabled": False}},
}
# What can't be left out, and in which mode: the refusal has to name it (or what it is in).
NEEDED = re.compile(
    r"modelName|protocol|topology|autoscaling(\.mode)?|(transformer|predictor|single)(\.repository)?"
    r"|gpu\.(resource|repository)|autoscaling\.(transformer|predictor|single)(\.target)?"
    r"|autoscaling\.keda(\.prometheus)?|serviceAccount(\.create)?"
)
# What is in these is the user's, or Kubernetes'.
WHOLE = ("resources", "nodeSelector", "securityContext", "limits", "requests")


def list_paths(values: dict, path: str = "") -> list[str]:
    """Name every value: sections and what is in them, down to what has a default of its own."""
    paths = []
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        paths.append(here)
        if isinstance(value, dict) and key not in WHOLE:
            paths += list_paths(value, here)
    return paths


def nest(path: str, value: object) -> dict:
    """Return the value under its path, as values.yaml would have it."""
    for key in reversed(path.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def assert_nothing_empty(value: object, path: str) -> None:
    """Find fields that were left without a value, which Kubernetes reads as something else."""
    assert value is not None and value != "null" and value != "<nil>", path
    assert not isinstance(value, str) or "%!" not in value, f"{path}: {value}"
    entries = dict(enumerate(value)) if isinstance(value, list) else value
    for key, inner in entries.items() if isinstance(entries, dict) else ():
        if key not in ("emptyDir", "podSelector", "data", "binaryData"):
            assert_nothing_empty(inner, f"{path}.{key}")


def group(paths: list[str]) -> list[list[str]]:
    """Put values together that stand far apart; a section, and what is needed, is alone."""
    alone = [
        path
        for path in paths
        if NEEDED.fullmatch(path) or any(other.startswith(f"{path}.") for other in paths)
    ]
    rest = [path for path in paths if path not in alone]
    return [[path] for path in alone] + [rest[start::40] for start in range(min(40, len(rest)))]


def see(paths: list[str], values: dict) -> None:
    """Render with these values null."""
    try:
        documents = render(given=merge(values, *(nest(path, None) for path in paths)))
    except Refused as refused:
        assert NEEDED.fullmatch(paths[0]), f"{paths}=null: {refused}"
        assert paths[0].rsplit(".", 1)[-1] in str(refused) and "nil pointer" not in str(refused)
        return
    check(find(documents, "InferenceService"), "V1beta1InferenceService")
    for document in documents:
        assert_nothing_empty(document, f"{paths}=null: {document['kind']}")


@pytest.mark.parametrize("mode", MODES)
def test_null_renders_or_is_refused_by_name(mode):
    paths = list_paths(read_values())
    if mode != "knative":  # what a mode reads
        paths = [path for path in paths if re.search(r"^autoscaling|resources", path)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda each: see(each, merge(BUSY, MODES[mode])), group(paths)))
