"""Names: overrides, parts of a larger chart, what KServe and DNS take, versions with a plus."""

import subprocess

import pytest

from serving.server import RELEASE
from tests.helm.conftest import CHART, Refused, find, needs_helm, render
from tests.helm.test_null import write_umbrella

pytestmark = needs_helm


def name_service(documents: list[dict]) -> str:
    return find(documents, "InferenceService")["metadata"]["name"]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((), "landmarks"),
        (("nameOverride=faces",), "landmarks-faces"),
        (("fullnameOverride=faces",), "faces"),
        (("fullnameOverride=faces", "nameOverride=x"), "faces"),
    ],
)
def test_overrides_name_every_object(values, name):
    documents = render(*values, "autoscaling.mode=keda", "networkPolicy.enabled=true")
    assert name_service(documents) == name
    for document in documents:
        assert document["metadata"]["name"].split("-")[: name.count("-") + 1] == name.split("-")
    arguments = find(documents, "InferenceService")["spec"]["transformer"]["containers"][0]["args"]
    assert f"--predictor_host={name}-predictor-pods.vision:8081" in arguments
    (pod,) = find(documents, "Pod")["spec"]["containers"]
    assert pod["args"][0] == f"{name}-transformer.vision.svc:80"
    selector = find(documents, "Service")["spec"]["selector"]
    assert selector["serving.kserve.io/inferenceservice"] == name


def test_name_override_is_the_label_too():
    labels = find(render("nameOverride=faces"), "ServiceAccount")["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "faces"


@pytest.mark.parametrize(("enabled", "count"), [(True, 1), (False, 0)])
def test_a_larger_chart_may_switch_it_off(tmp_path, enabled, count):
    documents = render(chart=write_umbrella(tmp_path), given={"landmarks": {"enabled": enabled}})
    assert [document["kind"] for document in documents].count("InferenceService") == count


def test_two_aliases_share_no_name(tmp_path):
    umbrella = write_umbrella(tmp_path, "adults", "children")
    documents = render(
        chart=umbrella,
        release="studio",
        given={"children": {"modelName": "small", "networkPolicy": {"enabled": True}}},
    )
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(set(names)) == len(names)
    services = {d["metadata"]["name"] for d in documents if d["kind"] == "InferenceService"}
    assert services == {"studio-adults", "studio-children"}


def test_global_values_of_a_larger_chart_count(tmp_path):
    given = {
        "global": {"imageRegistry": "mirror.example.com/", "imagePullSecrets": ["a", {"name": "b"}]}
    }
    documents = render(
        chart=write_umbrella(tmp_path), given=given | {"landmarks": {"image": {"registry": "x"}}}
    )
    pod = find(documents, "InferenceService")["spec"]["predictor"]
    assert pod["containers"][0]["image"] == f"mirror.example.com/landmarks-predictor:{RELEASE}"
    assert pod["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]


PLAIN, ONE = ("autoscaling.mode=none",), ("topology=single",)


@pytest.mark.parametrize(("values", "most"), [((), 51), (PLAIN, 48), (ONE, 53)])
def test_a_name_may_be_as_long_as_kserve_takes_it(values, most):
    render(f"fullnameOverride={'a' * most}", *values, namespace="v")
    with pytest.raises(Refused, match=f"so that it may have {most}: choose another release name"):
        render(f"fullnameOverride={'a' * (most + 1)}", *values, namespace="v")


@pytest.mark.parametrize(
    ("values", "between"), [((), "-"), (PLAIN, "-transformer-"), ((*PLAIN, *ONE), "-predictor-")]
)
def test_a_host_has_63_letters(values, between):
    space = 63 - len(between) - 20
    render(*values, release="a" * 20, namespace="n" * space)
    with pytest.raises(Refused, match="host of 64 letters"):
        render(*values, release="a" * 20, namespace="n" * (space + 1))


@pytest.mark.parametrize("release", ["my.release", "9lives"])
def test_names_that_kserve_refuses_are_refused_first(release):
    with pytest.raises(Refused, match="KServe takes a small letter first"):
        render(release=release)
    assert name_service(render("fullnameOverride=fine", release=release)) == "fine"


def test_a_version_with_a_plus_makes_valid_labels_and_tags(tmp_path):
    version = "0.3.0+g1234abc"
    package = ["helm", "package", str(CHART), "--version", version, "--app-version", version]
    subprocess.run([*package, "-d", str(tmp_path)], check=True, capture_output=True)
    documents = render(chart=tmp_path / f"landmarks-{version}.tgz")
    labels = find(documents, "ServiceAccount")["metadata"]["labels"]
    assert labels["helm.sh/chart"] == "landmarks-0.3.0_g1234abc"
    assert labels["app.kubernetes.io/version"] == "0.3.0_g1234abc"
    image = find(documents, "InferenceService")["spec"]["predictor"]["containers"][0]["image"]
    assert image == "landmarks-predictor:0.3.0_g1234abc"


def test_another_version_of_the_chart_restarts_no_pod(tmp_path):
    for version in ("0.2.0", "9.9.9"):
        package = ["helm", "package", str(CHART), "--version", version, "-d", str(tmp_path)]
        subprocess.run(package, check=True, capture_output=True)
    old, new = (
        find(render(chart=tmp_path / f"landmarks-{version}.tgz"), "InferenceService")
        for version in ("0.2.0", "9.9.9")
    )
    assert old == new
