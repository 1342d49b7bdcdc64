"""PodMonitor and alerts, as Prometheus and its operator would take them."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
import yaml

from serving.telemetry import metrics
from tests.helm.conftest import ONE, find, needs_helm, render
from tests.support.environment import end, run

pytestmark = needs_helm
ON = ("monitoring.podMonitor=true", "monitoring.prometheusRule=true")


def test_every_service_is_scraped_by_its_containers_name_at_its_pods_address():
    """tests/cluster sees a Prometheus find each pod once."""
    (end,) = find(render(*ON), "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert not {"port", "targetPort", "portNumber"} & set(end)  # found only if declared
    keep, *addresses = end["relabelings"]
    assert (keep["action"], keep["regex"]) == ("keep", "kserve-container")
    for pod, wanted in (("10.244.0.7", "10.244.0.7:8080"), ("fd00:1::7", "[fd00:1::7]:8080")):
        found = [rule for rule in addresses if re.fullmatch(rule["regex"], pod)]
        assert [rule["replacement"].replace("$1", pod) for rule in found] == [wanted]


def read_rules(*values: str, **options) -> list[dict]:
    return find(render(*ON, *values, **options), "PrometheusRule")["spec"]["groups"][0]["rules"]


def test_alerts_ask_for_metrics_and_codes_that_the_services_have():
    asked = (metrics.INFLIGHT, metrics.REQUESTS, metrics.SECONDS, metrics.PREDICTOR_READY)
    known = {sample.name for metric in asked for sample in metric.describe()}
    serving = Path(__file__).parents[2] / "serving"
    codes = " ".join(path.read_text() for path in serving.glob("*.py"))
    for rule in read_rules():
        for name in re.findall(r"landmarks_[a-z_]+", rule["expr"]):
            assert re.sub(r"_(bucket|total)$", "", name) in known, name
        for listed in re.findall(r'code=~?"([a-z_|]+)"', rule["expr"]):
            for code in listed.split("|"):
                assert f'"{code}"' in codes, code


def test_more_rules_keep_what_prometheus_fills_in():
    more = {"alert": "Mine", "expr": "up{n='{{ .Release.Namespace }}'}", "for": "{{ $value }}"}
    given = {"monitoring": {"additionalRules": [more]}}
    assert read_rules(given=given)[-1] == more | {"expr": "up{n='vision'}"}


@pytest.mark.parametrize("values", [(), (ONE,)])
def test_every_alert_has_one_identity_and_none_a_label_from_its_series(values):
    given = {"monitoring": {"alerts": {"labels": {"team": "{{ .Release.Namespace }}"}}}}
    rules = read_rules(*values, given=given)
    for rule in rules:
        labels = rule["labels"]
        assert labels["namespace"] == "vision" and labels["team"] == "vision"
        assert labels["inferenceservice"] == labels["release"] == "landmarks"
        assert "vision/landmarks" in rule["annotations"]["summary"]
        assert "absent(" not in rule["expr"]  # it hands labels on
    assert len({(rule["alert"], rule["labels"]["component"]) for rule in rules}) == len(rules)


def test_a_null_threshold_is_no_alert_and_who_may_sleep_is_not_missed():
    values = ("monitoring.alerts.p99Seconds=null", "autoscaling.predictor.min=0")
    names = {(rule["alert"], rule["labels"]["component"]) for rule in read_rules(*values)}
    missing = {("LandmarksSlow", "transformer"), ("LandmarksNoReadyPod", "predictor")}
    assert not names & missing and ("LandmarksNoReadyPod", "transformer") in names


def name_pod(name: str, component: str, mode: str) -> str:
    """Name a pod as Knative's and Kubernetes' controllers do."""
    owner, limit = f"{name}-{component}", 63
    if mode == "knative":
        owner += "-00001"
        if len(owner) + len("-deployment") > limit:
            head = owner[: limit - 32 - len("-deployment")]
            owner = head + hashlib.md5(owner.encode()).hexdigest()
        owner += "-deployment"
    return f"{owner}-66754ff88-"[:58] + "xq7bz"


@pytest.mark.parametrize("mode", ["knative", "keda"])
@pytest.mark.parametrize("letters", [1, 9, 36, 37, 38, 46, 47, 48])
def test_a_query_finds_its_own_pods_and_no_others(mode, letters):
    name = "a" * letters
    values = (f"autoscaling.mode={mode}", f"fullnameOverride={name}")
    text = str([rule["expr"] for rule in read_rules(*values, namespace="v")])
    patterns = set(re.findall(r'pod=~\\?"([^"\\]+)', text))
    for component in ("predictor", "transformer"):
        pod = name_pod(name, component, mode)
        assert any(re.fullmatch(pattern, pod) for pattern in patterns), (patterns, pod)
        other = name_pod(f"{name}-{component}", component, mode)
        if letters <= 9:  # longer ones are cut by Kubernetes, and may look alike
            assert not any(re.fullmatch(pattern, other) for pattern in patterns), other


def requests(code: str) -> str:
    return f'landmarks_requests_total{{{LABELS},model="unet",code="{code}"}}'


def bucket(seconds: str) -> str:
    return f'landmarks_request_seconds_bucket{{{LABELS},le="{seconds}"}}'


POD = "landmarks-transformer-00001-deployment-{}-x"
LABELS = f'service="transformer",namespace="vision",pod="{POD.format("a")}"'
INFLIGHT = f"landmarks_inflight_requests{{{LABELS}}}"
READY = f"landmarks_predictor_ready{{{LABELS}}}"
# The series of promtool's tests: a name and how it goes on, "start+step x minutes".
SERIES = {
    "LandmarksErrors": {requests("ok"): "0+98x60", requests("internal"): "0+2x60"},
    "LandmarksQueueFull": {requests("ok"): "0+98x60", requests("overloaded"): "0+2x60"},
    "LandmarksSlow": {bucket("1"): "0+0x60", bucket("4"): "0+9x60", bucket("+Inf"): "0+9x60"},
    "LandmarksNotScaling": {INFLIGHT: "2x60", INFLIGHT.replace("-a-x", "-b-x"): "4x60"},
    "LandmarksNoReadyPod": {"up": "1x60"},
    "LandmarksPredictorAway": {READY: "0x60"},
}
FINE = {
    requests("ok"): "0+1000x60",
    requests("invalid_image"): "0+1000x60",  # the caller's fault
    requests("internal"): "0+1x60",
    bucket("1"): "0+9x60",
    bucket("+Inf"): "0+9x60",
    INFLIGHT: "2x60",
    READY: "1x60",
}


def find_promtool(folder: Path) -> list[str]:
    """Return promtool's command: the machine's own, or that of the cluster test's Prometheus."""
    if shutil.which("promtool"):
        return ["promtool"]
    image = "landmarks-prometheus:2"
    docker = shutil.which("docker")
    if docker and end(docker, "image", "inspect", image).returncode == 0:
        mount = ["-v", f"{folder}:/rules", "-w", "/rules", "--user", "0"]
        return [docker, "run", "--rm", *mount, "--entrypoint", "promtool", image]
    pytest.skip("neither promtool nor the image of the cluster test's Prometheus is there")


def test_alerts_fire_when_they_should_and_not_before(tmp_path):
    groups = {"groups": [{"name": "a", "rules": read_rules()}]}
    tests = [write_test(series, alert, 1) for alert, series in SERIES.items()]
    tests += [write_test(FINE, alert, 0) for alert in SERIES]
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(groups))
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(whole))
    run(*find_promtool(tmp_path), "test", "rules", "test.yaml", cwd=tmp_path)


def write_test(series: dict[str, str], alert: str, firing: int) -> dict:
    """Make a test of promtool: how often this alert fires after half an hour."""
    query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    # The predictor has no series in these, so that it has no ready pod.
    query += " - 1" if alert == "LandmarksNoReadyPod" else " or vector(0)"
    samples = [{"value": firing, "labels": "{}"}]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    expected = {"expr": query, "eval_time": "30m", "exp_samples": samples}
    return {"interval": "1m", "input_series": inputs, "promql_expr_test": [expected]}
