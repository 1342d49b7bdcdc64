"""Transformer and predictor as one process in one pod: from zero, watched, and rolled out."""

import pytest

from k8s.clustertest.commands import wait_until
from k8s.clustertest.crowd import make_small
from k8s.clustertest.journal import ScenarioResult
from k8s.clustertest.load import Load
from k8s.clustertest.metrics import check_scraped
from k8s.clustertest.picture import ask_grpc, read_metadata
from k8s.clustertest.release import Release
from k8s.clustertest.test_first_answer import check_diff, check_helm_test, wait_answer
from k8s.clustertest.test_plain import expose
from k8s.clustertest.test_zero import see_cold_starts

LIMIT = 4.5  # seconds, images on the node; 3 are the goal
ONE = ("topology=single", "monitoring.podMonitor=true")


@pytest.mark.scenario(20, "both in one process: topology single")
def test_single(record: ScenarioResult) -> None:
    release = Release("single")
    ready = release.install(
        *ONE, "autoscaling.scaleDownDelaySeconds=0", "autoscaling.windowSeconds=8"
    )
    record.number_of("helm install to Ready", f"{ready:.1f} s")
    answer = wait_answer(release.host)
    record.check("right points", answer.right, answer)
    pods = release.get("pods", selector=f"serving.kserve.io/inferenceservice={release.name}")
    names = [c["name"] for pod in pods["items"] for c in pod["spec"]["containers"]]
    record.check(
        "one pod, one container of ours", names == ["kserve-container", "queue-proxy"], names
    )
    found = read_metadata(release.host)
    record.check(
        "metadata names the model and its outputs", found == ["landmarks", "scores"], found
    )
    check_scraped(record, release, "single")
    check_helm_test(record, release, "single")
    check_diff(record, release, "install")
    upgrade(record, release)
    release.upgrade("autoscaling.single.min=0", "autoscaling.single.target=8")
    see_cold_starts(record, release, LIMIT, "one process")
    release.uninstall()
    plain(record)


def upgrade(record: ScenarioResult, release: Release) -> None:
    """A new revision under a thousand requests."""
    before = read_stamps(release)
    with Load("single", release.host, "4:900", make_small(), 0.04) as load:
        wait_until("the first requests", lambda: load.count()[0] > 0, 60, 1)
        release.upgrade("predictor.annotations.stamp=two")
        wait_until("only the new revision", lambda: read_stamps(release) == {"two"} != before, 120)
        wait_until("1,000 requests", lambda: load.count()[0] >= 1000, 400, 1)
        load.stop()
    requests, failures = load.totals()
    found = f"{requests} requests, {failures} failed {load.reasons()}"
    record.check("helm upgrade: 0 failed requests", failures == 0 and requests >= 1000, found)


def read_stamps(release: Release) -> set[str]:
    return {
        p["metadata"].get("annotations", {}).get("stamp", "") for p in release.pods("predictor")
    }


def plain(record: ScenarioResult) -> None:
    """As a plain Deployment over gRPC."""
    release = Release("single-plain")
    release.install(*ONE, "autoscaling.mode=none", "protocol=grpc")
    host = expose(release)
    wait_until("an answer", lambda: not ask_grpc(host).problem, 20)
    answer = ask_grpc(host)
    record.check("mode none, gRPC: right points", answer.right, answer)
    check_scraped(record, release, "single, mode none")
