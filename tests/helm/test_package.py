"""The chart as it is handed on: its package, nothing for lint to say, and an upgrade to it.

An upgrade keeps the last chart's values: what they lack has to be lived without.
"""

import shutil
import tarfile
from pathlib import Path

import pytest
import yaml

from k8s.values_table import DOCUMENT, fill_in
from tests.helm.conftest import CHART, CI_FILES, find, needs_helm, render
from tests.support.environment import run

META = yaml.safe_load((CHART / "Chart.yaml").read_text())
LAST = Path(__file__).parent / "assets/landmarks-0.1.0.tgz"
POD = ("minReplicas", "maxReplicas", "timeout", "serviceAccountName", "volumes")
CONTAINER = ("image", "args", "ports", "resources", "securityContext", "volumeMounts")
TOOLS = [name for name in ("helm", "helm4") if shutil.which(name)]


@needs_helm
def test_the_package_has_what_a_reader_needs_and_no_tests(tmp_path):
    run("helm", "package", CHART, "-d", tmp_path)
    with tarfile.open(tmp_path / f"landmarks-{META['version']}.tgz") as archive:
        names = {name.removeprefix("landmarks/") for name in archive.getnames()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "values.schema.json"} <= names
    assert not [name for name in names if name.startswith("ci/")]
    assert META["version"] != LAST.stem.rsplit("-", 1)[1]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["", *CI_FILES])
def test_lint_has_nothing_to_say(tool, name):
    flags = ["--values", f"{CHART}/ci/{name}-values.yaml"] if name else []
    said = run(tool, "lint", "--strict", CHART, *flags)
    assert "[INFO]" not in said and "[WARNING]" not in said, said


def test_the_values_table_is_made_from_the_values():
    document = DOCUMENT.read_text()
    assert fill_in(document) == document, "run: python -m k8s.values_table"


@needs_helm
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
