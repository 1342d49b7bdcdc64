"""What the user sets is there as it was set, and once; names that KServe and DNS take."""

from pathlib import Path

import pytest
import yaml

from serving.server import RELEASE
from tests.helm import conftest as chart
from tests.helm.conftest import ONE, PLAIN, container, env, find, render, render_service
from tests.support.environment import run

pytestmark = chart.needs_helm
BOTH = ("predictor", "transformer")


def test_images_by_digest_and_by_tags_of_their_own():
    digests = {"predictor": "sha256:" + "a" * 64, "transformer": "sha256:" + "b" * 64}
    given = {name: {"digest": digest, "tag": "ignored"} for name, digest in digests.items()}
    service = render_service("image.registry=r.example.com:5000/v/", given=given)
    for name, digest in digests.items():
        image = container(service, name)["image"]
        assert image == f"r.example.com:5000/v/landmarks-{name}@{digest}"
    service = render_service("image.tag=v1", "predictor.tag=v2")
    assert container(service, "predictor")["image"].endswith(":v2")
    assert container(service, "transformer")["image"].endswith(":v1")
    # the digest of the CPU's image says nothing of the GPU's
    service = render_service("gpu.enabled=true", given=given)
    assert container(service, "predictor")["image"] == f"landmarks-predictor-cuda:{RELEASE}"


def test_the_users_environment_labels_and_annotations_win_and_come_once():
    source = {"configMapKeyRef": {"name": "a", "key": "b"}}
    variables = [
        {"name": "LANDMARKS_REQUEST_SECONDS", "value": "7"},
        {"name": "LANDMARKS_STOP_SECONDS", "valueFrom": source},
        {"name": "LANDMARKS_DRAIN_SECONDS", "value": None},
        {"name": "LANDMARKS_READY_NEEDS_PREDICTOR", "value": True},
        {"name": "BIG", "value": 1000000},
    ]
    annotations = {"prometheus.io/scrape": False, "prometheus.io/path": None, "mine": 7}
    labels = {"app.kubernetes.io/name": "mine", "app.kubernetes.io/component": None}
    given = {"env": variables, "annotations": annotations, "labels": labels}
    both = dict.fromkeys(BOTH, given)
    service = render_service("autoscaling.predictor.min=0", given=both)
    for component in BOTH:
        found, part = env(container(service, component)), service["spec"][component]
        assert found["LANDMARKS_REQUEST_SECONDS"] == "7" and found["BIG"] == "1000000"
        assert "LANDMARKS_DRAIN_SECONDS" not in found
        assert found["LANDMARKS_READY_NEEDS_PREDICTOR"] == "true"
        assert variables[1] in container(service, component)["env"]
        given_back = {"prometheus.io/scrape": "false", "mine": "7"}
        assert part["annotations"].items() >= given_back.items()
        assert "prometheus.io/path" not in part["annotations"]
        assert part["labels"]["app.kubernetes.io/name"] == "mine"
        assert "app.kubernetes.io/component" not in part["labels"]


def test_what_goes_into_the_pod_is_the_users_as_it_is():
    given = {
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "o", "nfs": {}}],
        "volumeMounts": [{"name": "o", "mountPath": "/tmp"}],
        "envFrom": [{"secretRef": {"name": "keys"}}],
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "podSpec": {"hostAliases": [{"ip": "1.2.3.4"}], "enableServiceLinks": None},
        "topologySpreadConstraints": [{"topologyKey": "zone"}],
        "extraContainers": [{"name": "a", "image": "{{ .Values.modelName }}"}],
        "probes": {"liveness": {"exec": {"command": ["x"]}}, "readiness": {"enabled": False}},
    }
    part = render_service(PLAIN, given={"transformer": given})["spec"]["transformer"]
    entry, beside = part["containers"]
    for key in ("volumes", "tolerations", "affinity", "priorityClassName"):
        assert part[key] == given[key]
    assert entry["volumeMounts"] == given["volumeMounts"] and entry["envFrom"] == given["envFrom"]
    assert part["hostAliases"] and "enableServiceLinks" not in part
    spread = part["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    assert spread["component"] == "transformer"
    assert beside["image"] == "unet" and beside["securityContext"]["readOnlyRootFilesystem"]
    assert "httpGet" not in entry["livenessProbe"] and "readinessProbe" not in entry


@pytest.mark.parametrize("component", BOTH)
def test_openshift_may_choose_the_user(component):
    service = render_service(files=("ci/openshift-values.yaml",))
    context = container(service, component)["securityContext"]
    assert context["runAsNonRoot"] and not {"runAsUser", "runAsGroup"} & set(context)


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
    (folder / "charts").mkdir(parents=True)
    (folder / "charts/landmarks").symlink_to(chart.CHART)
    version = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["version"]
    part = {"name": "landmarks", "version": version}
    parts = [part | {"alias": alias, "condition": f"{alias}.enabled"} for alias in aliases]
    whole = {"apiVersion": "v2", "name": "umbrella", "version": "1.0.0", "dependencies": parts}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(whole))
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
    said = f"so that it may have {most}: choose another release name"
    with pytest.raises(chart.Refused, match=said):
        render(f"fullnameOverride={'a' * (most + 1)}", *values, namespace="v")


@pytest.mark.parametrize(
    ("values", "between"), [((), "-"), ((PLAIN,), "-transformer-"), ((PLAIN, ONE), "-predictor-")]
)
def test_a_host_has_63_letters(values, between):
    space = 63 - len(between) - 20
    render(*values, release="a" * 20, namespace="n" * space)
    with pytest.raises(chart.Refused, match="host of 64 letters"):
        render(*values, release="a" * 20, namespace="n" * (space + 1))


def test_a_version_makes_valid_labels_and_tags_and_restarts_no_pod(tmp_path):
    def package(version: str, *more: str) -> list[dict]:
        run("helm", "package", chart.CHART, "--version", version, *more, "-d", tmp_path)
        return render(chart=tmp_path / f"landmarks-{version}.tgz")

    plus = "0.3.0+g1234abc"
    documents = package(plus, "--app-version", plus)
    labels = find(documents, "ServiceAccount")["metadata"]["labels"]
    assert labels["helm.sh/chart"] == "landmarks-0.3.0_g1234abc"
    assert labels["app.kubernetes.io/version"] == "0.3.0_g1234abc"
    image = find(documents, "InferenceService")["spec"]["predictor"]["containers"][0]["image"]
    assert image == "landmarks-predictor:0.3.0_g1234abc"
    assert find(package("9.9.9"), "InferenceService") == find(render(), "InferenceService")
