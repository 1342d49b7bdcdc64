"""A new revision, a canary, a rollback, a deleted pod and a drained node, all under load."""

import json
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.cluster.commands import CommandError, helm, kubectl, wait_until
from tests.cluster.crowd import make_small
from tests.cluster.journal import ScenarioResult
from tests.cluster.load import Load
from tests.cluster.release import Release

USERS, THINK = 4, 0.04  # a face alone, asked for often: what counts is the number of requests
REQUESTS = 1000  # in each phase


@pytest.mark.load
@pytest.mark.scenario(6, "upgrade, canary, rollback, a deleted pod and a drained node under load")
def test_changes(record: ScenarioResult) -> None:
    release = Release("rollout")
    release.install(
        "autoscaling.transformer.target=8",  # one pod a revision for these users
        "autoscaling.scaleDownDelaySeconds=0",
        "autoscaling.windowSeconds=10",
    )
    with Load("rollout", release.host, f"{USERS}:3000", make_small(), THINK) as load:
        wait_until("the first requests", lambda: load.count()[0] > 0, 60, 1)
        phase(record, load, "helm upgrade to a changed revision", lambda: upgrade(release))
        phase(record, load, "canary of 10 %", lambda: canary(record, release, load))
        phase(record, load, "canary to 100 %", lambda: promote(release))
        phase(record, load, "helm rollback", lambda: rollback(release))
        phase(record, load, "kubectl delete pod of a predictor", lambda: delete_pod(release))
        phase(record, load, "a drained node", lambda: drain(record, release))
        load.stop()
    requests, failures = load.totals()
    record.check(
        "no request failed in all this",
        failures == 0,
        f"{requests} requests, {failures} failed {load.reasons()}",
    )
    found = release.diff()
    record.check("kubectl diff after upgrade and rollback shows nothing", not found, found[-300:])


def phase(record: ScenarioResult, load: Load, text: str, change: Callable[[], None]) -> None:
    """Make a change, let the load run on to a thousand requests, and count its failures."""
    before, failed_before = load.count()
    begun = time.monotonic()
    change()
    seconds = time.monotonic() - begun
    time.sleep(6)  # what the change leaves behind is this phase's too
    wait_until(f"{REQUESTS} requests", lambda: load.count()[0] - before >= REQUESTS, 400, 1)
    requests, failed = load.count()
    record.check(
        f"{text}: 0 failed requests",
        failed == failed_before and load.running,
        f"{failed - failed_before} of {requests - before} failed, {seconds:.0f} s",
    )


def stamp(text: str) -> tuple[str, str]:
    """Values that change both pod templates, as a new image would."""
    return f"predictor.annotations.stamp={text}", f"transformer.annotations.stamp={text}"


def upgrade(release: Release) -> None:
    release.upgrade(*stamp("two"))
    release.wait_ready()
    wait_until("only the new revision's pods", lambda: stamps(release) == {"two"}, 180)


def canary(record: ScenarioResult, release: Release, load: Load) -> None:
    release.upgrade(*stamp("three"), "canaryTrafficPercent=10")
    wait_until("a tenth for the canary", lambda: shares(release) == [10, 90], 180)
    before, begun = answered(release), load.count()[0]
    # A tenth of so many lies within the limits below by 4 standard deviations.
    wait_until("700 requests", lambda: load.count()[0] - begun >= 700, 400, 1)
    after = answered(release)
    delta = {text: after[text] - before.get(text, 0) for text in after}
    share = delta["three"] / max(1, sum(delta.values()))
    found = f"{delta['three']:.0f} of {sum(delta.values()):.0f} transformer requests, {share:.0%}"
    record.check("the canary gets about a tenth", 0.04 <= share <= 0.18, found)


def promote(release: Release) -> None:
    release.upgrade("canaryTrafficPercent=null")
    release.wait_ready()
    wait_until("only the canary's pods", lambda: stamps(release) == {"three"}, 180)


def rollback(release: Release) -> None:
    helm("rollback", release.name, "2", "-n", release.namespace)  # 2: the upgrade
    release.wait_ready()
    wait_until("only the former revision's pods", lambda: stamps(release) == {"two"}, 180)


def delete_pod(release: Release) -> None:
    release.upgrade("autoscaling.predictor.min=2")
    release.wait_ready()
    wait_until("two predictors", partial(has_two, release, "predictor"), 180)
    gone = min(ready_names(release))
    kubectl("-n", release.namespace, "delete", "pod", gone, "--wait=false")
    wait_until("two others", lambda: len(ready_names(release) - {gone}) >= 2, 180)


def drain(record: ScenarioResult, release: Release) -> None:
    """Cordon the node and evict pods as kubectl drain does, as far as the budgets let it."""
    release.upgrade("autoscaling.predictor.min=2", "autoscaling.transformer.min=2")
    release.wait_ready()
    # Predictors stay at min with this load; transformers may be more on a slow machine.
    wait_until("two predictors", partial(has_two, release, "predictor"), 180)
    wait_until("two transformers", lambda: len(release.ready_pods("transformer")) >= 2, 180)
    node = release.pods("predictor")[0]["spec"]["nodeName"]
    kubectl("cordon", node)
    try:
        for component in ("predictor", "transformer"):
            evict_when_allowed(release, release.ready_pods(component)[0]["metadata"]["name"])
        wait_until("one predictor", lambda: len(release.ready_pods("predictor")) == 1, 60)
        try:
            evict(release, release.ready_pods("predictor")[0]["metadata"]["name"])
            record.check("the last predictor may not be evicted", False)
        except CommandError as error:
            refused = "disruption budget" in str(error)
            record.check("the last predictor may not be evicted", refused, "" if refused else error)
    finally:
        kubectl("uncordon", node)
    wait_until("two predictors again", lambda: len(release.ready_pods("predictor")) >= 2, 180)


def has_two(release: Release, component: str) -> bool:
    """Check whether two are all that there are: those of the revision before are gone."""
    return len(release.ready_pods(component)) == len(release.pods(component)) == 2


def evict(release: Release, pod: str) -> None:
    """Ask once for the pod to go. Raise CommandError where the disruption budget refuses."""
    meta = {"name": pod, "namespace": release.namespace}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
    path = f"/api/v1/namespaces/{release.namespace}/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def evict_when_allowed(release: Release, pod: str) -> None:
    """Ask for the pod to go until the budget lets it, as `kubectl drain` does."""

    def ask() -> bool:
        try:
            evict(release, pod)
        except CommandError as error:
            if "TooManyRequests" not in str(error):
                raise
            return False
        return True

    wait_until("the disruption budget lets the pod go", ask, 60, 2)


def ready_names(release: Release) -> set[str]:
    return {pod["metadata"]["name"] for pod in release.ready_pods("predictor")}


def shares(release: Release) -> list[int]:
    """How the route splits the transformer's traffic; a revision counts once its pods are ready."""
    status = release.get("ksvc", f"{release.name}-transformer").get("status", {})
    return sorted(target.get("percent", 0) for target in status.get("traffic", []))


def stamps(release: Release) -> set[str]:
    """Which revisions have pods that aren't on their way out."""
    pods = release.pods("transformer") + release.pods("predictor")
    return {pod["metadata"].get("annotations", {}).get("stamp", "one") for pod in pods}


def answered(release: Release) -> dict[str, float]:
    """Requests that the transformers of each revision have answered."""
    counts: dict[str, float] = {}
    for pod in release.ready_pods("transformer"):
        name, text = pod["metadata"]["name"], pod["metadata"]["annotations"].get("stamp", "one")
        path = f"/api/v1/namespaces/{release.namespace}/pods/{name}:8080/proxy/metrics"
        lines = kubectl("get", "--raw", path).splitlines()
        mine = [line for line in lines if line.startswith("landmarks_requests_total{")]
        counts[text] = counts.get(text, 0) + sum(float(line.rsplit(" ", 1)[1]) for line in mine)
    return counts
