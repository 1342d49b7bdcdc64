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
TAKEN = "kind: InferenceService"


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
        (
            write_service("Standard", "", "none", split=True),
            "none,topology=single",
            "topology single: InferenceService landmarks has a transformer",
        ),
        (write_service("Standard", "", "hpa"), "none,topology=single", ""),
        (write_service("Standard", "", "none"), "external,topology=single", ""),
    ],
)
def test_a_change_that_kserve_refuses_or_does_by_halves_is_refused(
    tmp_path, there, values, refused
):
    kinds = PLAIN | {"keda.sh/v1alpha1": {"ScaledObject": "scaledobjects"}}
    kinds["networking.k8s.io/v1"] = {"NetworkPolicy": "networkpolicies"}
    output = install(
        tmp_path, {THERE: there}, *f"autoscaling.mode={values}".split(","), kinds=kinds
    )
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
    notes = install(tmp_path, {})
    assert "without a cluster" not in notes and "published nowhere" in notes
    values = ("image.pullPolicy=Never", "predictor.resources.limits.cpu=null", "gpu.enabled=true")
    notes = install(tmp_path, {}, *values, "protocol=grpc", "modelName=faces")
    assert "published nowhere" not in notes and "has no cpu" in notes
    assert "Knative starts a new revision beside" in notes and "grpcurl" in notes
    assert '"name": "faces"' in notes
