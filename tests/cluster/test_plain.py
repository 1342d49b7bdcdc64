"""Plain Deployments: none, with a predictor pod deleted under load, and keda."""

from functools import partial

import pytest

from tests.cluster.commands import OUT, kubectl, wait_until
from tests.cluster.commands import run as run_command
from tests.cluster.https_store import make_certificate
from tests.cluster.journal import ScenarioResult
from tests.cluster.load import Load, make_crowd, make_small
from tests.cluster.metrics import query
from tests.cluster.picture import check_points
from tests.cluster.release import Release
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
    """Fixed replicas, gRPC between them encrypted; a predictor pod is deleted under load."""
    release = Release("plain")
    release.make_namespace()
    make_secret(release)
    values = ("autoscaling.mode=none", "autoscaling.predictor.min=2", "tls.secretName=internal")
    release.install(*values, "monitoring.podMonitor=true")
    host = expose(release)
    check_points(record, host, "mode none: right points")
    pods = release.pods("predictor")
    record.check("mode none: min replicas, no more", len(pods) == 2, f"{len(pods)} predictors")
    check_scraped_twice(record, release)
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
    """Make the certificate of the predictors, which signs itself."""
    folder = OUT / "tls"
    folder.mkdir(parents=True, exist_ok=True)
    make_certificate(folder, f"{release.name}-predictor-pods.{release.namespace}")
    files = {"tls.crt": "tls.crt", "tls.key": "tls.key", "ca.crt": "tls.crt"}
    flags = [f"--from-file={key}={folder / name}" for key, name in files.items()]
    create = ("create", "secret", "generic", "internal", "--type=kubernetes.io/tls")
    kubectl("-n", release.namespace, *create, *flags)


def check_scraped_twice(record: ScenarioResult, release: Release) -> None:
    """Both predictors, each once."""
    wanted = f'count(landmarks_inflight_requests{{namespace="{release.namespace}"}})'

    def seen() -> bool:
        found = query(wanted)
        return bool(found) and found[0]["value"][1] == "3"

    record.wait("Prometheus scrapes each pod by the PodMonitor once (none)", seen, 40, 2)


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
        for component in ("transformer", "predictor"):
            text = f"mode keda: back to one {component}"
            record.wait(text, partial(is_alone, release, component), 120)
    for component in ("transformer", "predictor"):
        counts = [f"{sample[component]:.0f}" for sample in watch.samples[::8]]
        record.number_of(f"mode keda: {component}s, every 8 s", " ".join(counts))
    for component, low in (("transformer", 3), ("predictor", 3)):
        peak = watch.peak(component)
        record.check(
            f"mode keda: {component} from 1 to {low} or more", peak >= low, f"{peak} ready"
        )
    record.check("mode keda: no request failed", load.count()[1] == 0, load)


def is_alone(release: Release, component: str) -> bool:
    return len(release.pods(component)) == 1
