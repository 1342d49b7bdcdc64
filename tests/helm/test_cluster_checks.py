"""What only a cluster can tell: versions of KServe and Kubernetes, a mode that can't be changed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.helm.conftest import CHART, needs_helm, render_text
from tests.support.environment import end
from tests.support.http_server import Handler, run_server

Kinds = dict[str, dict[str, str]]  # group/version -> kind -> plural

PLAIN: Kinds = {
    "v1": {"Secret": "secrets", "ConfigMap": "configmaps", "Pod": "pods", "Service": "services"}
    | {"ServiceAccount": "serviceaccounts"},
    "policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "apiextensions.k8s.io/v1": {"CustomResourceDefinition": "customresourcedefinitions"},
    "serving.kserve.io/v1beta1": {"InferenceService": "inferenceservices"},
    "serving.knative.dev/v1": {"Service": "services"},
}
CLUSTER_WIDE = ("customresourcedefinitions",)
VERBS = ["get", "list", "create", "patch"]


def list_resources(kinds: dict[str, str], version: str) -> dict:
    resources = [
        {"kind": kind, "singularName": kind.lower(), "name": plural, "verbs": VERBS}
        | {"namespaced": plural not in CLUSTER_WIDE}
        for kind, plural in kinds.items()
    ]
    what = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version}
    return what | {"resources": resources}


def list_groups(kinds: Kinds) -> dict:
    groups = []
    for name in filter(lambda name: "/" in name, kinds):  # one version each
        group, version = name.split("/")
        this = {"groupVersion": name, "version": version}
        groups.append({"name": group, "versions": [this], "preferredVersion": this})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def answer(path: str, kinds: Kinds, objects: dict[str, dict], version: str) -> tuple[int, dict]:
    name = path.removeprefix("/apis/").removeprefix("/api/")
    if path == "/version":
        major, minor = version.lstrip("v").split(".")[:2]
        return 200, {"major": major, "minor": minor, "gitVersion": version}
    if path == "/api":
        return 200, {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return 200, list_groups(kinds)
    if name in kinds:
        return 200, list_resources(kinds[name], name)
    if objects.get(path):
        return 200, objects[path]
    if path.endswith("/secrets"):
        return 200, {"kind": "SecretList", "apiVersion": "v1", "items": []}
    code, reason = (403, "Forbidden") if path in objects else (404, "NotFound")
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return code, status | {"reason": reason, "message": f"{path}: {reason.lower()}"}


@contextmanager
def run_api_server(
    folder: Path, objects: dict[str, dict], kinds: Kinds | None = None, version: str = "v1.34.4"
) -> Iterator[Path]:
    """Serve discovery and the objects (by path; {}: forbidden); gives a kubeconfig."""

    class Server(Handler):
        def do_GET(self) -> None:
            status, body = answer(self.path.split("?")[0], kinds or PLAIN, objects, version)
            self.reply(status, json.dumps(body).encode(), {"content-type": "application/json"})

    with run_server(Server) as url:
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "stub"} | {
            "clusters": [{"name": "stub", "cluster": {"server": url}}],
            "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "stub"}}],
            "users": [{"name": "stub", "user": {}}],
        }
        (folder / "kubeconfig").write_text(yaml.safe_dump(config))
        yield folder / "kubeconfig"


pytestmark = needs_helm

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferenceservices.serving.kserve.io"
THERE = "/apis/serving.kserve.io/v1beta1/namespaces/vision/inferenceservices/landmarks"
TAKEN = "kind: InferenceService"


def install(folder: Path, objects: dict[str, dict], *values: str, **options) -> str:
    with run_api_server(folder, objects, **options) as kubeconfig:
        words = ["helm", "install", "landmarks", CHART, "-n", "vision", "--dry-run=server"]
        words += ["--disable-openapi-validation", *(f"--set={value}" for value in values)]
        environment = os.environ | {"KUBECONFIG": str(kubeconfig), "HELM_CACHE_HOME": str(folder)}
        done = end(*words, env=environment)
    return done.stdout + done.stderr


def write_crd(*fields: str) -> dict:
    predictor = {"properties": {field: {"type": "object"} for field in fields}} if fields else {}
    schema = {"properties": {"spec": {"properties": {"predictor": predictor}}}}
    version = {"name": "v1beta1", "schema": {"openAPIV3Schema": schema}}
    kind = {"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1"}
    return kind | {"metadata": {"name": CRD.rsplit("/", 1)[1]}, "spec": {"versions": [version]}}


def write_service(mode: str, status: str = "", autoscaler: str = "", split: bool = False) -> dict:
    """Make an installed InferenceService of this mode, in an annotation or in its status."""
    given = {"serving.kserve.io/deploymentMode": mode}
    given["serving.kserve.io/autoscalerClass"] = autoscaler
    annotations = {key: value for key, value in given.items() if value}
    meta = {"name": "landmarks", "namespace": "vision", "annotations": annotations}
    kind = {"kind": "InferenceService", "apiVersion": "serving.kserve.io/v1beta1", "metadata": meta}
    state = {"deploymentMode": status} if status else {}
    spec: dict = {"predictor": {}} | ({"transformer": {"minReplicas": 1}} if split else {})
    return kind | {"status": state, "spec": spec}


@pytest.mark.parametrize(
    ("fields", "said"),
    [(("containers", "model"), "older than 0.16"), (("storageUris",), TAKEN), ((), TAKEN)],
)
def test_kserve_before_0_16_is_refused(tmp_path, fields, said):
    assert said in install(tmp_path, {CRD: write_crd(*fields)})


def test_the_version_isn_t_asked_where_nobody_may_ask(tmp_path):
    assert TAKEN in install(tmp_path, {CRD: write_crd("containers")}, "checkKServe=false")
    assert "forbidden" in install(tmp_path, {CRD: {}})
    newer = PLAIN | {"serving.kserve.io/v1alpha1": {"LocalModelNamespaceCache": "caches"}}
    assert TAKEN in install(tmp_path, {CRD: {}}, kinds=newer)


@pytest.mark.parametrize(
    ("there", "values", "refused"),
    [
        (write_service("Knative"), "none", "deploymentMode Standard"),
        (write_service("Standard"), "knative", "deploymentMode Knative"),
        (write_service("Serverless"), "external", "runs in Knative"),
        (write_service("RawDeployment"), "knative", "runs in Standard"),
        (write_service("", "Knative"), "none", "runs in Knative"),
        (write_service("Standard", split=True), "none", ""),
        (write_service("RawDeployment", split=True), "external", ""),
        (write_service("", "Serverless", split=True), "knative", ""),
        (write_service("", split=True), "none", ""),
        (write_service("Standard", "", "keda"), "none", "set min and max to the same number"),
        (write_service("Standard", "", "keda"), "external", "ScaledObjects KServe would leave"),
        (write_service("Standard", "", "none"), "none", "would be the bare predictor"),
        (write_service("Standard", "", "hpa"), "keda", "upgrade to autoscaling.mode none first"),
        (write_service("Standard", "", "none", True), "none,topology=single", "has a transformer"),
        (write_service("Standard", "", "hpa"), "none,topology=single", ""),
        (write_service("Standard", "", "none"), "external,topology=single", ""),
    ],
)
def test_a_change_that_kserve_refuses_or_does_by_halves_is_refused(
    tmp_path, there, values, refused
):
    kinds = PLAIN | {"keda.sh/v1alpha1": {"ScaledObject": "scaledobjects"}}
    kinds["networking.k8s.io/v1"] = {"NetworkPolicy": "networkpolicies"}
    values = f"autoscaling.mode={values}".split(",")
    output = install(tmp_path, {THERE: there}, *values, kinds=kinds)
    # Taken, it meets an object that is there and not Helm's.
    assert (refused or "exists and cannot be imported") in output


@pytest.mark.parametrize(
    ("missing", "values", "said"),
    [
        ("kserve", "", "KServe is not installed on this cluster"),
        ("knative", "", "autoscaling.mode is knative, but Knative Serving is not installed"),
        ("keda", "autoscaling.mode=keda", "KEDA is not installed"),
        ("coreos", "monitoring.podMonitor=true", "monitoring.podMonitor is true, but the Prom"),
    ],
)
def test_what_a_cluster_lacks_is_said(tmp_path, missing, values, said):
    kinds = {name: kinds for name, kinds in PLAIN.items() if missing not in name}
    assert said in install(tmp_path, {}, *filter(None, [values]), kinds=kinds)


@pytest.mark.parametrize(
    ("version", "said"), [("v1.33.2-gke.100", TAKEN), ("v1.26.9", "1.27"), ("v1.20.0", "1.27")]
)
def test_kubernetes_since_1_27_of_any_vendor_is_taken(tmp_path, version, said):
    assert said in install(tmp_path, {}, version=version)


def test_it_tells_whether_anybody_looked_and_what_to_build(tmp_path):
    assert "NOTE: rendered without a cluster" in render_text(capabilities=())
    assert render_text("autoscaling.mode=keda", "monitoring.podMonitor=true", capabilities=())
    notes = install(tmp_path, {})
    assert "without a cluster" not in notes and "published nowhere" in notes
    values = ("image.pullPolicy=Never", "predictor.resources.limits.cpu=null", "gpu.enabled=true")
    notes = install(tmp_path, {}, *values, "protocol=grpc", "modelName=faces")
    assert "published nowhere" not in notes and "has no cpu" in notes
    assert "Knative starts a new revision beside" in notes and "grpcurl" in notes
    assert '"name": "faces"' in notes
