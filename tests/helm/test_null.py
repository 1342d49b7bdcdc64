"""null takes a default away, at every value and section; the chart then renders or says why not."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.helm.conftest import (
    CHART,
    Refused,
    check,
    find,
    list_paths,
    merge,
    needs_helm,
    nest,
    read_values,
    render,
)

pytestmark = needs_helm

PATHS = list_paths(read_values())
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


def see(path: str, values: dict, **options) -> str:
    """Render with this value null; gives the refusal, or nothing."""
    try:
        documents = render(given=merge(values, nest(path, None)), **options)
    except Refused as refused:
        return str(refused)
    check(find(documents, "InferenceService"), "V1beta1InferenceService")
    for document in documents:
        assert_nothing_empty(document, f"{path}=null: {document['kind']}")
    return ""


def assert_nothing_empty(value: object, path: str) -> None:
    """Find fields that were left without a value, which Kubernetes reads as something else."""
    assert value is not None and value != "null" and value != "<nil>", path
    assert not isinstance(value, str) or "%!" not in value, f"{path}: {value}"
    entries = dict(enumerate(value)) if isinstance(value, list) else value
    for key, inner in entries.items() if isinstance(entries, dict) else ():
        if key not in ("emptyDir", "podSelector", "data", "binaryData"):
            assert_nothing_empty(inner, f"{path}.{key}")


@pytest.mark.parametrize("mode", MODES)
def test_null_renders_or_is_refused_by_name(mode):
    values = merge(BUSY, MODES[mode])
    every = mode == "knative"  # the others: what a mode reads
    paths = [path for path in PATHS if every or re.search(r"^autoscaling|resources", path)]
    with ThreadPoolExecutor(2) as pool:
        refusals = dict(zip(paths, pool.map(lambda path: see(path, values), paths), strict=True))
    for path, refusal in refusals.items():
        if refusal:
            assert NEEDED.fullmatch(path), f"{path}=null: {refusal}"
            last = path.rsplit(".", 1)[-1]
            assert last in refusal and "nil pointer" not in refusal, refusal


def write_umbrella(folder: Path, *aliases: str) -> Path:
    """Make a chart that has this one in it, once or under aliases."""
    umbrella = folder / "umbrella"
    (umbrella / "charts").mkdir(parents=True)
    (umbrella / "charts/landmarks").symlink_to(CHART)
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    parts = [
        {"name": "landmarks", "version": version, "condition": f"{alias or 'landmarks'}.enabled"}
        | ({"alias": alias} if alias else {})
        for alias in aliases or ("",)
    ]
    chart = {"apiVersion": "v2", "name": "umbrella", "version": "1.0.0", "dependencies": parts}
    (umbrella / "Chart.yaml").write_text(yaml.safe_dump(chart))
    return umbrella
