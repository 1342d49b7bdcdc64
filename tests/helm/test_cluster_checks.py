"""What only a cluster can tell: versions of KServe and Kubernetes, a mode that can't be changed."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.helm.api_server import PLAIN, run_api_server
from tests.helm.conftest import CHART, needs_helm, render_text

pytestmark = needs_helm

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferenceservices.serving.kserve.io"
THERE = "/apis/serving.kserve.io/v1beta1/namespaces/vision/inferenceservices/landmarks"


def install(folder: Path, objects: dict[str, dict], *values: str, **options) -> str:
    """Install as a dry run on the server; gives what helm wrote."""
    with run_api_server(folder, objects, **options) as kubeconfig:
        command = ["helm", "install", "landmarks", str(CHART), "-n", "vision", "--dry-run=server"]
        command += ["--disable-openapi-validation"]
        for value in values:
            command += ["--set", value]
        environment = os.environ | {"KUBECONFIG": str(kubeconfig), "HELM_CACHE_HOME": str(folder)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr


def write_crd(*fields: str) -> dict:
    """Make KServe's CRD as far as the chart reads it."""
    predictor = {"properties": {field: {"type": "object"} for field in fields}} if fields else {}
    schema = {"properties": {"spec": {"properties": {"predictor": predictor}}}}
    version = {"name": "v1beta1", "schema": {"openAPIV3Schema": schema}}
    kind = {"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1"}
    return kind | {"metadata": {"name": CRD.rsplit("/", 1)[1]}, "spec": {"versions": [version]}}


def write_service(mode: str, status: str = "") -> dict:
    annotations = {"serving.kserve.io/deploymentMode": mode} if mode else {}
    meta = {"name": "landmarks", "namespace": "vision", "annotations": annotations}
    kind = {"kind": "InferenceService", "apiVersion": "serving.kserve.io/v1beta1"}
    return kind | {"metadata": meta, "status": {"deploymentMode": status} if status else {}}


def test_kserve_before_0_16_is_refused(tmp_path):
    assert "older than 0.16" in install(tmp_path, {CRD: write_crd("containers", "model")})


@pytest.mark.parametrize("fields", [("containers", "storageUris"), ()])
def test_kserve_since_0_16_and_a_crd_without_a_schema_are_taken(tmp_path, fields):
    assert "kind: InferenceService" in install(tmp_path, {CRD: write_crd(*fields)})


def test_the_version_isn_t_asked_where_nobody_may_ask(tmp_path):
    old = {CRD: write_crd("containers")}
    assert "kind: InferenceService" in install(tmp_path, old, "checkKServe=false")
    assert "forbidden" in install(tmp_path, {CRD: {}})
    newer = PLAIN | {"serving.kserve.io/v1alpha1": {"LocalModelNamespaceCache": "caches"}}
    assert "kind: InferenceService" in install(tmp_path, {CRD: {}}, kinds=newer)


@pytest.mark.parametrize(
    ("there", "mode", "refused"),
    [
        (write_service("Knative"), "none", "deploymentMode Standard"),
        (write_service("Standard"), "knative", "deploymentMode Knative"),
        (write_service("Serverless"), "external", "runs in Knative"),
        (write_service("RawDeployment"), "knative", "runs in Standard"),
        (write_service("", "Knative"), "none", "runs in Knative"),
        (write_service("Standard"), "none", ""),
        (write_service("RawDeployment"), "external", ""),
        (write_service("", "Serverless"), "knative", ""),
        (write_service(""), "none", ""),
    ],
)
def test_a_mode_change_that_kserve_refuses_is_refused_first(tmp_path, there, mode, refused):
    output = install(tmp_path, {THERE: there}, f"autoscaling.mode={mode}")
    if refused:
        assert refused in output and "KServe refuses to change that" in output
    else:
        assert "KServe refuses" not in output


def write_scaled(autoscaler: str, **spec: dict) -> dict:
    """Return a plain InferenceService with this autoscaler and these components."""
    service = write_service("Standard")
    service["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] = autoscaler
    return service | {"spec": {"predictor": {}} | spec}


@pytest.mark.parametrize(
    ("there", "values", "refused"),
    [
        (write_scaled("keda"), "autoscaling.mode=none", "set min and max to the same number"),
        (write_scaled("keda"), "autoscaling.mode=external", "ScaledObjects KServe would leave"),
        (
            write_scaled("none"),
            "autoscaling.mode=none,topology=split",
            "would be the bare predictor",
        ),
        (write_scaled("hpa"), "autoscaling.mode=keda", "upgrade to autoscaling.mode none first"),
        (
            write_scaled("none", transformer={"minReplicas": 1}),
            "autoscaling.mode=none,topology=single",
            "topology single: InferenceService landmarks has a transformer",
        ),
        (write_scaled("hpa"), "autoscaling.mode=none,topology=single", ""),
        (write_scaled("none", transformer={}), "autoscaling.mode=external,topology=single", ""),
        (write_scaled("none"), "autoscaling.mode=none,topology=single", ""),
    ],
)
def test_a_change_that_kserve_does_by_halves_is_refused(tmp_path, there, values, refused):
    kinds = PLAIN | {"keda.sh/v1alpha1": {"ScaledObject": "scaledobjects"}}
    output = install(tmp_path, {THERE: there}, *values.split(","), kinds=kinds)
    assert refused in output if refused else "KServe would leave" not in output


def test_knative_missing_on_a_cluster_is_refused(tmp_path):
    kinds = {name: kinds for name, kinds in PLAIN.items() if "knative" not in name}
    output = install(tmp_path, {}, kinds=kinds)
    assert "autoscaling.mode is knative, but Knative Serving is not installed" in output


@pytest.mark.parametrize(
    ("version", "taken"), [("v1.33.2-gke.100", True), ("v1.26.9", False), ("v1.20.0", False)]
)
def test_kubernetes_since_1_27_of_any_vendor_is_taken(tmp_path, version, taken):
    output = install(tmp_path, {}, version=version)
    assert ("kind: InferenceService" in output) == taken
    assert taken or "1.27" in output


def test_it_tells_whether_anybody_looked_and_what_to_build(tmp_path):
    assert "NOTE: rendered without a cluster" in render_text(capabilities=())
    notes = install(tmp_path, {})
    assert "without a cluster" not in notes and "published nowhere" in notes
    assert "published nowhere" not in install(tmp_path, {}, "image.pullPolicy=Never")
    assert "has no cpu" in install(tmp_path, {}, "predictor.resources.limits.cpu=null")
    notes = install(tmp_path, {}, "gpu.enabled=true", "protocol=grpc", "modelName=faces")
    assert "Knative starts a new revision beside" in notes and "grpcurl" in notes
    assert '"name": "faces"' in notes
