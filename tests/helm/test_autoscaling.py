"""One switch, one set of knobs, four ways to scale."""

import pytest

from tests.helm.conftest import needs_helm, render_service

pytestmark = needs_helm

KNOBS = (
    "autoscaling.predictor.min=2",
    "autoscaling.predictor.max=5",
    "autoscaling.predictor.target=10",
    "autoscaling.utilization=70",
    "autoscaling.scaleDownDelaySeconds=45",
)


def predictor(mode: str, *values: str) -> tuple[dict, dict]:
    service = render_service(f"autoscaling.mode={mode}", *KNOBS, *values)
    return service["metadata"]["annotations"], service["spec"]["predictor"]


def test_knative_counts_concurrency():
    annotations, spec = predictor("knative", "autoscaling.predictor.limit=20")
    assert annotations["serving.kserve.io/deploymentMode"] == "Knative"
    assert (spec["scaleMetric"], spec["scaleTarget"]) == ("concurrency", 10)
    assert spec["containerConcurrency"] == 20
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 5)
    assert spec["annotations"]["autoscaling.knative.dev/target-utilization-percentage"] == "70"
    assert spec["annotations"]["autoscaling.knative.dev/scale-down-delay"] == "45s"
    assert spec["annotations"]["autoscaling.knative.dev/window"] == "60s"


def test_keda_counts_the_same_in_prometheus():
    annotations, spec = predictor("keda")
    assert annotations["serving.kserve.io/deploymentMode"] == "Standard"
    assert annotations["serving.kserve.io/autoscalerClass"] == "keda"
    (metric,) = spec["autoScaling"]["metrics"]
    assert metric["external"]["target"] == {"type": "Value", "value": "7"}  # 10 x 70 %
    assert metric["external"]["metric"]["query"] == (
        'sum(landmarks_inflight_requests{service="predictor",'
        'namespace="vision",pod=~"landmarks-predictor-[^-]+-[^-]+"})'
    )
    assert spec["autoScaling"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 45
    assert "scaleMetric" not in spec  # KServe's webhook refuses it beside KEDA


def test_keda_has_a_trigger_for_each_component():
    spec = render_service("autoscaling.mode=keda")["spec"]
    assert all(component["autoScaling"]["metrics"] for component in spec.values())


def test_hpa_looks_at_the_cpu():
    annotations, spec = predictor("hpa", "autoscaling.hpa.cpu=60")
    assert annotations["serving.kserve.io/autoscalerClass"] == "hpa"
    (metric,) = spec["autoScaling"]["metrics"]
    assert metric["resource"] == {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 60},
    }


def test_none_keeps_min_replicas():
    annotations, spec = predictor("none")
    assert annotations["serving.kserve.io/autoscalerClass"] == "none"
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 2)
    assert "autoScaling" not in spec


@pytest.mark.parametrize(("percent", "found"), [("10", 10), ("0", 0), ("null", None)])
def test_a_canary_splits_both_components(percent, found):
    spec = render_service(f"canaryTrafficPercent={percent}")["spec"]
    assert [part.get("canaryTrafficPercent") for part in spec.values()] == [found, found]


def test_collocated_pods_scale_on_what_the_transformer_has_in_flight():
    spec = render_service("topology=collocated", "autoscaling.mode=keda")["spec"]["predictor"]
    query = spec["autoScaling"]["metrics"][0]["external"]["metric"]["query"]
    assert 'service="transformer"' in query and 'pod=~"landmarks-predictor-[^-]+-[^-]+"' in query
