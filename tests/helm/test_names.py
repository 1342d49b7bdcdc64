"""Names: overrides, parts of a larger chart, what KServe and DNS take, versions with a plus."""

import subprocess
from pathlib import Path

import pytest
import yaml

from serving.server import RELEASE
from tests.helm.conftest import CHART, ONE, PLAIN, Refused, find, needs_helm, render

pytestmark = needs_helm


@pytest.mark.parametrize(
    ("values", "name", "label"),
    [
        ((), "landmarks", "landmarks"),
        (("nameOverride=faces",), "landmarks-faces", "faces"),
        (("fullnameOverride=faces", "nameOverride=x"), "faces", "x"),
    ],
)
def test_overrides_name_every_object(values, name, label):
    documents = render(*values, "autoscaling.mode=keda", "networkPolicy.enabled=true")
    service = find(documents, "InferenceService")
    assert service["metadata"]["name"] == name
    for document in documents:
        assert document["metadata"]["name"].split("-")[: name.count("-") + 1] == name.split("-")
        assert document["metadata"]["labels"]["app.kubernetes.io/name"] == label
    arguments = service["spec"]["transformer"]["containers"][0]["args"]
    assert f"--predictor_host={name}-predictor-pods.vision:8081" in arguments
    (pod,) = find(documents, "Pod")["spec"]["containers"]
    assert pod["args"][0] == f"{name}-transformer.vision.svc:80"
    selector = find(documents, "Service")["spec"]["selector"]
    assert selector["serving.kserve.io/inferenceservice"] == name


def write_umbrella(folder: Path, *aliases: str) -> Path:
    """Make a chart that has this one in it, once or under aliases."""
    (folder / "charts").mkdir(parents=True)
    (folder / "charts/landmarks").symlink_to(CHART)
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    part = {"name": "landmarks", "version": version}
    parts = [part | {"alias": alias, "condition": f"{alias}.enabled"} for alias in aliases]
    chart = {"apiVersion": "v2", "name": "umbrella", "version": "1.0.0", "dependencies": parts}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(chart))
    return folder


def test_parts_of_a_larger_chart_share_global_values_and_no_name(tmp_path):
    given: dict = {"children": {"networkPolicy": {"enabled": True}, "image": {"registry": "x"}}}
    given |= {"animals": {"enabled": False}, "adults": {"topology": "single"}}
    given["global"] = {"imageRegistry": "g.example.com/", "imagePullSecrets": ["a", {"name": "b"}]}
    umbrella = write_umbrella(tmp_path, "adults", "children", "animals")
    documents = render(chart=umbrella, release="studio", given=given)
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(set(names)) == len(names)
    services = {d["metadata"]["name"] for d in documents if d["kind"] == "InferenceService"}
    assert services == {"studio-adults", "studio-children"}
    pod = find(documents, "InferenceService", "studio-children")["spec"]["predictor"]
    assert pod["scaleTarget"] == 16  # its own, beside one of another topology
    assert pod["containers"][0]["image"] == f"g.example.com/landmarks-predictor:{RELEASE}"
    assert pod["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize(("values", "most"), [((), 51), ((PLAIN,), 48), ((ONE,), 53)])
def test_a_name_may_be_as_long_as_kserve_takes_it(values, most):
    render(f"fullnameOverride={'a' * most}", *values, namespace="v")
    with pytest.raises(Refused, match=f"so that it may have {most}: choose another release name"):
        render(f"fullnameOverride={'a' * (most + 1)}", *values, namespace="v")


@pytest.mark.parametrize(
    ("values", "between"), [((), "-"), ((PLAIN,), "-transformer-"), ((PLAIN, ONE), "-predictor-")]
)
def test_a_host_has_63_letters(values, between):
    space = 63 - len(between) - 20
    render(*values, release="a" * 20, namespace="n" * space)
    with pytest.raises(Refused, match="host of 64 letters"):
        render(*values, release="a" * 20, namespace="n" * (space + 1))


def test_a_version_makes_valid_labels_and_tags_and_restarts_no_pod(tmp_path):
    def package(version: str, *more: str) -> list[dict]:
        command = ["helm", "package", str(CHART), "--version", version, *more, "-d", str(tmp_path)]
        subprocess.run(command, check=True, capture_output=True)
        return render(chart=tmp_path / f"landmarks-{version}.tgz")

    plus = "0.3.0+g1234abc"
    documents = package(plus, "--app-version", plus)
    labels = find(documents, "ServiceAccount")["metadata"]["labels"]
    assert labels["helm.sh/chart"] == "landmarks-0.3.0_g1234abc"
    assert labels["app.kubernetes.io/version"] == "0.3.0_g1234abc"
    image = find(documents, "InferenceService")["spec"]["predictor"]["containers"][0]["image"]
    assert image == "landmarks-predictor:0.3.0_g1234abc"
    assert find(package("9.9.9"), "InferenceService") == find(render(), "InferenceService")
