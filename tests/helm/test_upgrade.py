"""An upgrade from the last chart that keeps its values: what they lack has to be lived without."""

import shutil
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.helm.conftest import CHART, MODES, find, needs_helm, render

pytestmark = needs_helm
LAST = Path(__file__).parent / "assets/landmarks-0.1.0.tgz"


def reuse_values(folder: Path) -> Path:
    """Make this chart with the last one's values instead of its own, as --reuse-values does."""
    shutil.copytree(CHART, folder / "helm")
    with tarfile.open(LAST) as archive:
        archive.extract("landmarks/values.yaml", folder, filter="data")
    (folder / "landmarks/values.yaml").rename(folder / "helm/values.yaml")
    return folder / "helm"


def drop_query(part: object) -> object:
    """Leave out what KEDA asks Prometheus: which pods it means is said more closely now."""
    if isinstance(part, dict):
        return {key: drop_query(value) for key, value in part.items() if key != "query"}
    return [drop_query(value) for value in part] if isinstance(part, list) else part


@pytest.mark.parametrize("mode", MODES)
def test_the_last_charts_values_render_as_they_did(tmp_path, mode):
    values = (f"autoscaling.mode={mode}", "gpu.enabled=true", "networkPolicy.enabled=true")
    new = render(*values, chart=reuse_values(tmp_path))
    old = render(*values, chart=LAST)
    names = {(d["kind"], d["metadata"]["name"]) for d in old}
    assert {(d["kind"], d["metadata"]["name"]) for d in new} == names
    service = find(new, "InferenceService")
    before = find(old, "InferenceService")
    assert service["metadata"]["annotations"] == before["metadata"]["annotations"]
    for component, was in before["spec"].items():
        now = service["spec"][component]
        for part in set(was) - {"deploymentStrategy", "containers"}:
            assert drop_query(now[part]) == drop_query(was[part]), part
        (container,) = now["containers"]
        # New since then, and off as the last chart's images had no page.
        added = (
            [] if component == "predictor" else [{"name": "LANDMARKS_DEMO_PAGE", "value": "false"}]
        )
        kept = [entry for entry in container["env"] if entry not in added]
        assert len(kept) + len(added) == len(container["env"])
        assert [container | {"env": kept}] == was["containers"]


def test_new_values_can_be_set_on_top(tmp_path):
    documents = render(
        "monitoring.prometheusRule=true,monitoring.podMonitor=true,predictor.probes.startup.periodSeconds=5",
        chart=reuse_values(tmp_path),
    )
    rules = find(documents, "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert {rule["alert"] for rule in rules} == {"LandmarksNotScaling", "LandmarksNoReadyPod"}


def test_the_chart_is_newer_than_the_last_one():
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    assert version != LAST.stem.rsplit("-", 1)[1]
