"""gpu.enabled puts the predictor, and only it, where a GPU is; a second one has to wait."""

import json

import pytest

from tests.cluster.journal import ScenarioResult, kubectl, wait_until
from tests.cluster.picture import ask_jpeg, check_points
from tests.cluster.release import Release

RESOURCE = "nvidia.com/gpu"


@pytest.mark.scenario(12, "a GPU pool (the node only says that it has one GPU)")
def test_pool(record: ScenarioResult) -> None:
    node = json.loads(kubectl("get", "nodes", "-o", "json"))["items"][0]["metadata"]["name"]
    release = Release("gpu")
    # The CPU image: there is no GPU to run the CUDA one on.
    values = ("gpu.enabled=true", "gpu.repository=landmarks-predictor", "gpu.engine=auto")
    release.install(*values, wait=0)
    message = wait_until("an unscheduled predictor", lambda: waits_for(release), 60)
    text = "without a GPU the predictor waits, and says for what"
    record.check(text, "node(s) didn't match" in message or "Insufficient" in message, message)
    offer(node, 1)
    try:
        release.wait_ready()
        pod = release.pods("predictor")[0]
        limits = pod["spec"]["containers"][0]["resources"]["limits"]
        record.check(
            "with one GPU the predictor gets it",
            limits.get(RESOURCE) == "1" and pod["spec"]["nodeName"] == node,
            f"{pod['metadata']['name']} on {node}",
        )
        other = release.pods("transformer")[0]["spec"]["containers"][0]["resources"]["limits"]
        record.check("the transformer asks for none", RESOURCE not in other, other)
        check_points(record, release.host)
        release.upgrade("autoscaling.predictor.min=2")
        message = wait_until("an unscheduled second predictor", lambda: waits_for(release), 60)
        text = "a second predictor has no GPU left, and says so"
        record.check(text, f"Insufficient {RESOURCE}" in message, message)
        answer = ask_jpeg(release.host)
        record.check("the first one still answers", answer.right, answer)
    finally:
        offer(node, 0)


@pytest.mark.scenario(13, "an upgrade on a GPU pool that is full")
def test_full_pool(record: ScenarioResult) -> None:
    """One card, one pod, plain Deployments: the pod goes before the next one comes."""
    node = json.loads(kubectl("get", "nodes", "-o", "json"))["items"][0]["metadata"]["name"]
    offer(node, 1)
    try:
        release = Release("gpu-full")
        values = ("gpu.enabled=true", "gpu.repository=landmarks-predictor", "gpu.engine=auto")
        release.install(*values, "autoscaling.mode=none", "drainSeconds=1")
        before = release.pods("predictor")[0]["metadata"]["name"]
        release.upgrade("predictor.annotations.stamp=two")
        wait_until("the new predictor", lambda: is_replaced(release, before), 180)
        record.check("the upgrade ends: the new predictor has the card", True, before)
    finally:
        offer(node, 0)


def is_replaced(release: Release, before: str) -> bool:
    names = [pod["metadata"]["name"] for pod in release.ready_pods("predictor")]
    return len(names) == 1 and names != [before]


def offer(node: str, count: int) -> None:
    value = str(count) if count else None
    patch = {"status": {"capacity": {RESOURCE: value}, "allocatable": {RESOURCE: value}}}
    label = "nvidia.com/gpu.present" + ("=true" if count else "-")
    kubectl("label", "--overwrite", "node", node, label)
    kubectl("patch", "node", node, "--subresource=status", "--type=merge", "-p", json.dumps(patch))


def waits_for(release: Release) -> str:
    """What the scheduler says of a predictor pod without a node; "" when there is none."""
    for pod in release.pods("predictor"):
        for condition in pod["status"].get("conditions", []):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return condition.get("message", "")
    return ""
