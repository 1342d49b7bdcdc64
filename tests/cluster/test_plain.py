"""Plain Deployments: fixed, with a predictor pod deleted under load, keda, and external."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster.journal import OUT, ScenarioResult, kubectl, wait_until
from tests.cluster.journal import run as run_command
from tests.cluster.load import Load, Watch, make_crowd, make_small
from tests.cluster.picture import ask_jpeg, check_points, wait_answer
from tests.cluster.release import Release, check_scraped
from tests.cluster.test_storage import make_certificate


def expose(release: Release) -> str:
    """Return a plain Deployment's host to Kourier, which serves no Kubernetes Ingresses."""
    ingress, name = "ingresses.networking.k8s.io", f"ingress.networking.k8s.io/{release.name}"
    here = ("-n", release.namespace, "get", ingress, "-o", "name")
    wait_until("the Ingress", lambda: name in kubectl(*here).split(), 30)
    run_command("k8s/expose.sh", release.namespace, release.name)
    return f"{release.name}-{release.namespace}.example.com"


@pytest.mark.load
@pytest.mark.scenario(7, "plain Deployments, fixed: mode none")
def test_none(record: ScenarioResult) -> None:
    release = Release("plain")
    release.make_namespace()
    make_secret(release)
    values = ("autoscaling.mode=none", "autoscaling.predictor.min=2", "tls.secretName=internal")
    release.install(*values, "monitoring.podMonitor=true")
    host = expose(release)
    check_points(record, host, "mode none: right points")
    pods = release.pods("predictor")
    record.check("mode none: min replicas, no more", len(pods) == 2, f"{len(pods)} predictors")
    check_scraped(record, release, "none")
    with Load(host, (4, 900), picture=make_small(), pause=0.04) as load:
        busy = wait_until("requests for each", lambda: read_busy(release, pods), 60, 1)
        name = pods[0]["metadata"]["name"]
        kubectl("-n", release.namespace, "delete", "pod", name, "--wait=false")
        load.wait_more(1000)
        load.stop()
    record.check("mode none: both predictors get requests", min(busy) >= 20, busy)
    requests, failures = load.count()
    text = "mode none: kubectl delete pod of a predictor under load, 0 failed"
    record.check(text, failures == 0 and requests >= 1000, load)


def make_secret(release: Release) -> None:
    folder = OUT / "tls"
    folder.mkdir(parents=True, exist_ok=True)
    make_certificate(folder, f"{release.name}-predictor-pods.{release.namespace}")
    files = {"tls.crt": "tls.crt", "tls.key": "tls.key", "ca.crt": "tls.crt"}
    flags = [f"--from-file={key}={folder / name}" for key, name in files.items()]
    create = ("create", "secret", "generic", "internal", "--type=kubernetes.io/tls")
    kubectl("-n", release.namespace, *create, *flags)


def read_busy(release: Release, pods: list[dict]) -> list[float]:
    """Return what each pod has answered, once each has some: a connection lives 30 s at most."""
    busy = [release.count_requests(pod) for pod in pods]
    return busy if min(busy) >= 20 else []


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
    check_points(record, host, "mode keda: right points")
    with Watch(release) as watch, Load(host, (6, 75), picture=make_crowd()) as load:
        load.finish()
        names, text = ("transformer", "predictor"), "mode keda: back to one of each"
        record.wait(text, lambda: all(len(release.pods(name)) == 1 for name in names), 120)
    for component in names:
        counts = [f"{sample[component]:.0f}" for sample in watch.samples[::8]]
        record.number_of(f"mode keda: {component}s, every 8 s", " ".join(counts))
        peak = watch.peak(component)
        text = f"mode keda: {component} from 1 to 3 or more"
        record.check(text, peak >= 3, f"{peak} ready")
    record.check("mode keda: no request failed", load.count()[1] == 0, load)


AWAY = (45, 120)
GOAL = 3.0  # seconds; by itself gRPC would look for it in intervals of 27 and more by then


@pytest.mark.scenario(8, "the only predictor away for 45 and 120 s; mode external")
def test_outage(record: ScenarioResult) -> None:
    """Two releases at once, whose Deployments KServe leaves as they are scaled."""
    releases = {seconds: Release(f"away-{seconds}") for seconds in AWAY}
    for release in releases.values():
        release.install("autoscaling.mode=external", "drainSeconds=1", wait=0)
    hosts = {}
    for seconds, release in releases.items():
        release.wait_ready()
        hosts[seconds] = expose(release)
        check_points(record, hosts[seconds], f"{release.namespace}: right points")
    with ThreadPoolExecutor(len(AWAY)) as threads:
        calls = [threads.submit(see_outage, record, r, hosts[s], s) for s, r in releases.items()]
    for call in calls:
        call.result()


def scale(release: Release, replicas: int) -> None:
    deployment = f"deployment/{release.name}-predictor"
    kubectl("-n", release.namespace, "scale", deployment, f"--replicas={replicas}")


def see_outage(record: ScenarioResult, release: Release, host: str, seconds: int) -> None:
    scale(release, 0)
    wait_until("no predictor", lambda: not release.pods("predictor"), 60)
    time.sleep(2)
    said, ended = [], time.monotonic() + seconds
    while time.monotonic() < ended:
        said.append(ask_jpeg(host, 20))
        time.sleep(1)
    refused = [a for a in said if a.problem.startswith("HTTP 503") and a.retry_after]
    text = f"away {seconds} s: 503 with Retry-After meanwhile"
    record.check(text, len(refused) == len(said), f"{len(refused)} of {len(said)}; {said[-1]}")
    ready = release.ready_pods("transformer")
    record.check(f"away {seconds} s: the transformer stays ready", len(ready) == 1, len(ready))
    scale(release, 1)
    wait_until("the predictor", lambda: release.ready_pods("predictor"), 120, 0.2)
    begun = time.monotonic()
    answer = wait_answer(host, seconds=120)
    took = time.monotonic() - begun
    text = f"away {seconds} s: first answer within {GOAL:g} s of Ready"
    record.check(text, answer.right and took <= GOAL, f"{took:.1f} s, {answer}")
