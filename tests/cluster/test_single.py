"""Transformer and predictor as one process in one pod: watched, rolled out, and without Knative."""

import pytest

from tests.cluster.journal import ScenarioResult, wait_until
from tests.cluster.load import Load, make_small
from tests.cluster.picture import ask_grpc, check_points, read_metadata
from tests.cluster.release import Release, check_scraped
from tests.cluster.test_first_answer import check_diff, check_helm_test
from tests.cluster.test_plain import expose

ONE = ("topology=single", "monitoring.podMonitor=true")


@pytest.mark.scenario(20, "both in one process: topology single")
def test_single(record: ScenarioResult) -> None:
    release = Release("single")
    quick = ("autoscaling.scaleDownDelaySeconds=0", "autoscaling.windowSeconds=8")
    ready = release.install(*ONE, *quick)
    record.number_of("helm install to Ready", f"{ready:.1f} s")
    check_points(record, release.host)
    pods = release.get("pods", selector=f"serving.kserve.io/inferenceservice={release.name}")
    names = [c["name"] for pod in pods["items"] for c in pod["spec"]["containers"]]
    record.check(
        "one pod, one container of ours", names == ["kserve-container", "queue-proxy"], names
    )
    found = read_metadata(release.host)
    record.check("metadata lists the outputs", {"landmarks", "scores"} <= set(found), found)
    check_scraped(record, release, "single")
    check_helm_test(record, release, "single")
    check_diff(record, release, "install")
    plain = Release("single-plain")
    plain.install(*ONE, "autoscaling.mode=none", "protocol=grpc", wait=0)
    upgrade(record, release)
    release.uninstall()
    plain.wait_ready()
    see_plain(record, plain)


def upgrade(record: ScenarioResult, release: Release) -> None:
    with Load(release.host, (4, 900), picture=make_small(), pause=0.04) as load:
        wait_until("the first requests", lambda: load.count()[0] > 0, 60, 1)
        release.upgrade("predictor.annotations.stamp=two")
        wait_until("only the new revision", lambda: release.stamps("predictor") == {"two"}, 120)
        load.wait_more(1000)
        load.stop()
    requests, failures = load.count()
    record.check("helm upgrade: 0 failed requests", failures == 0 and requests >= 1000, load)


def see_plain(record: ScenarioResult, release: Release) -> None:
    host = expose(release)
    check_points(record, host, "mode none, gRPC: right points", ask=ask_grpc)
    check_scraped(record, release, "single, mode none")
