"""An upgrade from the last chart that keeps its values: what they lack has to be lived without."""

import shutil
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.helm.conftest import CHART, find, needs_helm, render

pytestmark = needs_helm
LAST = Path(__file__).parent / "assets/landmarks-0.1.0.tgz"
POD = ("minReplicas", "maxReplicas", "timeout", "serviceAccountName", "volumes")
CONTAINER = ("image", "args", "ports", "resources", "securityContext", "volumeMounts")


@pytest.mark.parametrize("mode", ["knative", "keda", "none"])
def test_the_last_charts_values_render_and_new_ones_can_be_set_on_top(tmp_path, mode):
    shutil.copytree(CHART, tmp_path / "helm")  # with the last one's values, as --reuse-values does
    with tarfile.open(LAST) as archive:
        archive.extract("landmarks/values.yaml", tmp_path, filter="data")
    (tmp_path / "landmarks/values.yaml").rename(tmp_path / "helm/values.yaml")
    on = ("gpu.enabled=true", "networkPolicy.enabled=true")
    values = (f"autoscaling.mode={mode}", "image.tag=v1", *on)
    old = find(render(*values, chart=LAST), "InferenceService")
    more = ("monitoring.prometheusRule=true", "predictor.probes.startup.periodSeconds=5")
    documents = render(*values, *more, chart=tmp_path / "helm")
    service = find(documents, "InferenceService")
    assert service["metadata"]["annotations"] == old["metadata"]["annotations"]
    for component, was in old["spec"].items():
        now = service["spec"][component]
        for part in POD:
            assert now.get(part) == was.get(part), part
        for part in CONTAINER:
            assert now["containers"][0][part] == was["containers"][0][part], part
    rules = find(documents, "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert "LandmarksNotScaling" in {rule["alert"] for rule in rules}


def test_the_chart_is_newer_than_the_last_one():
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    assert version != LAST.stem.rsplit("-", 1)[1]
