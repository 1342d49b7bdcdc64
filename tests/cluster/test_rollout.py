"""Roll-outs of one component, a deleted pod and a drained node, under load."""

import json
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.cluster.journal import CommandError, ScenarioResult, helm, kubectl, wait_until
from tests.cluster.load import Load, make_small
from tests.cluster.release import Release

USERS, PAUSE = 4, 0.04  # a face alone, asked for often: what counts is the number of requests
REQUESTS = 1000  # in each phase


@pytest.mark.load
@pytest.mark.scenario(6, "roll-outs of one component, a deleted pod and a drained node under load")
def test_changes(record: ScenarioResult) -> None:
    release = Release("rollout")
    release.install(
        "autoscaling.transformer.target=8",  # one pod a revision for these users
        "autoscaling.scaleDownDelaySeconds=0",
        "autoscaling.windowSeconds=10",
    )
    with Load(release.host, (USERS, 3000), picture=make_small(), pause=PAUSE) as load:
        wait_until("the first requests", lambda: load.count()[0] > 0, 60, 1)
        phases: dict[str, Callable[[], None]] = {
            "upgrade of the transformer alone": lambda: upgrade(release, "transformer", "two"),
            "canary of the predictor alone": lambda: canary(record, release, "predictor"),
            "its promotion": lambda: promote(record, release, "predictor"),
            "canary of the transformer taken back": lambda: take_back(record, release, load),
            "helm rollback": lambda: rollback(release),
            "kubectl delete pod of a predictor": lambda: delete_pod(release),
            "a drained node": lambda: drain(record, release),
        }
        for text, change in phases.items():
            see_phase(record, load, text, change)
        load.stop()
    record.check("no request failed in all this", load.count()[1] == 0, load)
    found = release.diff()
    record.check("kubectl diff after upgrade and rollback shows nothing", not found, found[-300:])


def see_phase(record: ScenarioResult, load: Load, text: str, change: Callable[[], None]) -> None:
    """Make a change, let the load run on to a thousand requests, and count its failures."""
    before, failed_before = load.count()
    begun = time.monotonic()
    change()
    seconds = time.monotonic() - begun
    time.sleep(6)  # what the change leaves behind is this phase's too
    load.wait_more(max(0, REQUESTS + before - load.count()[0]))
    requests, failed = load.count()
    found = f"{failed - failed_before} of {requests - before} failed, {seconds:.0f} s"
    record.check(f"{text}: 0 failed requests", failed == failed_before and load.running, found)


def change(release: Release, component: str, stamp: str, *values: str) -> None:
    """Change one component's pods, as a new image would."""
    release.upgrade(f"{component}.annotations.stamp={stamp}", *values)


def upgrade(release: Release, component: str, stamp: str) -> None:
    change(release, component, stamp)
    wait_until("the new pods alone", lambda: release.stamps(component) == {stamp}, 180)


def read_route(release: Release, component: str) -> dict[str, int]:
    """Return how the route splits a component's traffic: percent of each revision."""
    status = release.get("ksvc", f"{release.name}-{component}").get("status", {})
    shares = [target for target in status.get("traffic", []) if target.get("percent")]
    return {share["revisionName"]: share["percent"] for share in shares}


def read_latest(release: Release, component: str) -> str:
    status = release.get("ksvc", f"{release.name}-{component}").get("status", {})
    return status.get("latestReadyRevisionName", "")


def canary(record: ScenarioResult, release: Release, component: str) -> None:
    """A tenth for one component's new revision; the other's traffic stays where it is."""
    other = {"predictor": "transformer", "transformer": "predictor"}[component]
    before, mine = read_route(release, other), read_latest(release, component)
    change(release, component, "canary", f"{component}.canaryTrafficPercent=10")

    def split() -> bool:
        return read_route(release, component) == {mine: 90, read_latest(release, component): 10}

    wait_until("a tenth for the canary", split, 180)
    time.sleep(3)  # KServe would send the other one back by now
    after = read_route(release, other)
    text = f"a canary of the {component} leaves the {other} where it is"
    record.check(text, after == before, after)


def promote(record: ScenarioResult, release: Release, component: str) -> None:
    release.upgrade(f"{component}.canaryTrafficPercent=null")
    wait_until("the canary's pods alone", lambda: release.stamps(component) == {"canary"}, 180)
    route = read_route(release, component)
    record.check(f"all of the {component}'s traffic is the canary's", len(route) == 1, route)


def take_back(record: ScenarioResult, release: Release, load: Load) -> None:
    """A canary that is no good: its share, then none, then its pods go."""
    mine = read_latest(release, "transformer")
    canary(record, release, "transformer")
    before = answered(release)
    load.wait_more(700)  # a tenth of so many lies within the limits by 4 standard deviations
    after = answered(release)
    delta = {text: after[text] - before.get(text, 0) for text in after}
    share = delta["canary"] / max(1, sum(delta.values()))
    found = f"{delta['canary']:.0f} of {sum(delta.values()):.0f} transformer requests, {share:.0%}"
    record.check("the canary gets about a tenth", 0.04 <= share <= 0.18, found)
    release.upgrade("transformer.canaryTrafficPercent=0")
    whole = {mine: 100}
    wait_until("its share gone", lambda: read_route(release, "transformer") == whole, 180)
    change(release, "transformer", "two", "transformer.canaryTrafficPercent=null")
    wait_until("its pods gone", lambda: release.stamps("transformer") == {"two"}, 180)


def rollback(release: Release) -> None:
    helm("rollback", release.name, "1", "-n", release.namespace)  # both components
    for component in ("predictor", "transformer"):
        first = partial(lambda name: release.stamps(name) == {"one"}, component)
        wait_until("the first pods alone", first, 180)


def delete_pod(release: Release) -> None:
    release.upgrade("autoscaling.predictor.min=2")
    wait_until("two predictors", partial(has_two, release, "predictor"), 180)
    gone = min(ready_names(release))
    kubectl("-n", release.namespace, "delete", "pod", gone, "--wait=false")
    wait_until("two others", lambda: len(ready_names(release) - {gone}) >= 2, 180)


def drain(record: ScenarioResult, release: Release) -> None:
    """Cordon the node and evict pods as kubectl drain does, as far as the budgets let it."""
    release.upgrade("autoscaling.predictor.min=2", "autoscaling.transformer.min=2")
    # Predictors stay at min with this load; transformers may be more on a slow machine.
    wait_until("two predictors", partial(has_two, release, "predictor"), 180)
    wait_until("two transformers", lambda: len(release.ready_pods("transformer")) >= 2, 180)
    node = release.pods("predictor")[0]["spec"]["nodeName"]
    kubectl("cordon", node)
    try:
        for component in ("predictor", "transformer"):
            evict_when_allowed(release, release.ready_pods(component)[0]["metadata"]["name"])
        wait_until("one predictor", lambda: len(release.ready_pods("predictor")) == 1, 60)
        last = release.ready_pods("predictor")[0]["metadata"]["name"]
        text = "the last predictor's eviction"
        record.refuse(text, lambda: evict(release, last), "disruption budget")
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


def answered(release: Release) -> dict[str, float]:
    counts: dict[str, float] = {}
    for pod in release.ready_pods("transformer"):
        text = pod["metadata"]["annotations"].get("stamp", "one")
        counts[text] = counts.get(text, 0) + release.count_requests(pod)
    return counts
