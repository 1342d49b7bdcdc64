"""Plain Deployments: none, hpa and keda; and one pod for both, in both kinds of mode."""

import time

import pytest

from tests.cluster.commands import kubectl, wait_until
from tests.cluster.commands import run as run_command
from tests.cluster.crowd import make_crowd, make_small
from tests.cluster.journal import ScenarioResult
from tests.cluster.load import Load
from tests.cluster.metrics import check_scraped, query
from tests.cluster.picture import ask_grpc, ask_jpeg, wait_answer
from tests.cluster.release import Release, is_true
from tests.cluster.watch import Watch


def expose(release: Release) -> str:
    """Return a plain Deployment's host to Kourier, which serves no Kubernetes Ingresses."""
    wait_until("the Ingress", lambda: has_ingress(release), 30)
    run_command("k8s/expose.sh", release.namespace, release.name)
    return f"{release.name}-{release.namespace}.example.com"


def has_ingress(release: Release) -> bool:
    names = [i["metadata"]["name"] for i in release.get("ingresses.networking.k8s.io")["items"]]
    return release.name in names


@pytest.mark.load
@pytest.mark.scenario(7, "plain Deployments, fixed: mode none")
def test_none(record: ScenarioResult) -> None:
    """Fixed replicas; a predictor pod is deleted under load."""
    release = Release("plain")
    release.install(
        "autoscaling.mode=none", "autoscaling.predictor.min=2", "monitoring.podMonitor=true"
    )
    host = expose(release)
    answer = wait_answer(host)
    record.check("mode none: right points", answer.right, answer)
    pods = release.pods("predictor")
    record.check("mode none: min replicas, no more", len(pods) == 2, f"{len(pods)} predictors")
    check_scraped_twice(record, release)
    with Load("plain", host, "4:900", make_small(), 0.04) as load:
        busy = wait_until("requests for each", lambda: read_busy(release, pods), 60, 1)
        before = load.count()[0]
        name = pods[0]["metadata"]["name"]
        kubectl("-n", release.namespace, "delete", "pod", name, "--wait=false")
        wait_until("1,000 more requests", lambda: load.count()[0] - before >= 1000, 400, 1)
        load.stop()
    record.check("mode none: both predictors get requests", min(busy) >= 20, busy)
    requests, failures = load.totals()
    record.check(
        "mode none: kubectl delete pod of a predictor under load, 0 failed",
        failures == 0 and requests >= 1000,
        f"{requests} requests, {failures} failed {load.reasons()}",
    )


def check_scraped_twice(record: ScenarioResult, release: Release) -> None:
    """Both predictors, each once."""
    wanted = f'count(landmarks_inflight_requests{{namespace="{release.namespace}"}})'

    def seen() -> bool:
        found = query(wanted)
        return bool(found) and found[0]["value"][1] == "3"

    try:
        wait_until("three pods in Prometheus", seen, 40, 2)
        record.check("Prometheus scrapes each pod by the PodMonitor once (none)", True, "3 pods")
    except TimeoutError as error:
        record.check("Prometheus scrapes each pod by the PodMonitor once (none)", False, error)


def read_busy(release: Release, pods: list[dict]) -> list[float]:
    """Return what each pod has answered, once each has some: a connection lives 30 s at most."""
    busy = [read_requests(release, pod) for pod in pods]
    return busy if min(busy) >= 20 else []


def read_requests(release: Release, pod: dict) -> float:
    path = (
        f"/api/v1/namespaces/{release.namespace}/pods/{pod['metadata']['name']}:8080/proxy/metrics"
    )
    lines = kubectl("get", "--raw", path).splitlines()
    return sum(
        float(x.rsplit(" ", 1)[1]) for x in lines if x.startswith("landmarks_requests_total{")
    )


@pytest.mark.scenario(8, "plain Deployments, scaled on CPU: mode hpa")
def test_hpa(record: ScenarioResult) -> None:
    release = Release("on-cpu")
    release.install("autoscaling.mode=hpa")
    answer = wait_answer(expose(release))
    record.check("mode hpa: right points", answer.right, answer)

    def active() -> bool:
        found = release.get("horizontalpodautoscalers")["items"]
        conditions = [item.get("status", {}).get("conditions", []) for item in found]
        return len(found) == 2 and all(is_true(c, "ScalingActive") for c in conditions)

    try:
        wait_until("HPAs", active, 150)
        record.check("mode hpa: both autoscalers read the CPU", True)
    except TimeoutError as error:
        record.check("mode hpa: both autoscalers read the CPU", False, error)


@pytest.mark.load
@pytest.mark.scenario(9, "plain Deployments, scaled on requests in flight: mode keda")
def test_keda(record: ScenarioResult) -> None:
    """KEDA with the chart's own query and address of Prometheus: up to three and more, and back."""
    release = Release("in-flight")
    release.install(
        "autoscaling.mode=keda",
        "monitoring.podMonitor=true",
        "autoscaling.scaleDownDelaySeconds=10",
        "autoscaling.transformer.target=2",
        "autoscaling.predictor.target=1",
        "autoscaling.transformer.max=4",
        "autoscaling.predictor.max=4",
    )
    host = expose(release)
    answer = wait_answer(host)
    record.check("mode keda: right points", answer.right, answer)
    with Watch(release) as watch, Load("keda", host, "6:75", make_crowd()) as load:
        load.finish()
        ended = time.time()
        try:
            for component in ("transformer", "predictor"):
                release.wait_pods(component, 1, 1, 120)
            record.check(
                "mode keda: back to one replica each", True, f"{time.time() - ended:.0f} s"
            )
        except TimeoutError as error:
            record.check("mode keda: back to one replica each", False, error)
    for component in ("transformer", "predictor"):
        counts = [f"{sample[component]:.0f}" for sample in watch.samples[::8]]
        record.number_of(f"mode keda: {component}s, every 8 s", " ".join(counts))
    for component, low in (("transformer", 3), ("predictor", 3)):
        peak = watch.peak(component)
        record.check(
            f"mode keda: {component} from 1 to {low} or more", peak >= low, f"{peak} ready"
        )
    requests, failures = load.totals()
    record.check(
        "mode keda: no request failed",
        failures == 0,
        f"{requests} requests, {failures} failed {load.reasons()}",
    )


@pytest.mark.scenario(10, "one pod for both")
def test_collocated(record: ScenarioResult) -> None:
    kinds = (
        (Release("collocated"), "knative", "rest"),
        (Release("collocated-grpc"), "knative", "grpc"),
        (Release("collocated-plain"), "none", "rest"),
    )
    for release, mode, protocol in kinds:
        values = (f"autoscaling.mode={mode}", f"protocol={protocol}")
        release.install("topology=collocated", "monitoring.podMonitor=true", *values, wait=0)
    for release, mode, protocol in kinds:
        release.wait_ready()
        host = release.host if mode == "knative" else expose(release)
        answer = wait_answer(host, ask_grpc if protocol == "grpc" else ask_jpeg)
        text = f"collocated, mode {mode}, {protocol}"
        record.check(f"{text}: right points", answer.right, answer)
        check_scraped(record, release, text)
        release.uninstall()
