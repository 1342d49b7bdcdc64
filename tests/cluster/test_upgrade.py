"""From the last chart to this one under load; two releases side by side; Helm 4."""

import shutil

import pytest

from serving.server import RELEASE
from tests.cluster.journal import CONTEXT, ScenarioResult, helm, kubectl, run, wait_until
from tests.cluster.load import Load, make_small
from tests.cluster.picture import check_points
from tests.cluster.release import Release, check_rules
from tests.cluster.test_first_answer import check_diff

LAST = "tests/helm/assets/landmarks-0.1.0.tgz"


@pytest.mark.load
@pytest.mark.scenario(11, "upgrade from the last chart with --reuse-values")
def test_reuse_values(record: ScenarioResult) -> None:
    release = Release("from-last")
    release.install(f"image.tag={RELEASE}", chart=LAST)  # the images that are there
    check_points(record, release.host, "the last chart: right points")
    before = read_revision(release)
    with Load(release.host, (4, 900), picture=make_small(), pause=0.04) as load:
        release.upgrade(keep="--reuse-values")
        wait_until("this chart's revision", lambda: read_revision(release) != before, 180)
        release.wait_ready()
        load.wait_more(1000)
        load.stop()
    requests, failures = load.count()
    record.check("no request failed on the way", failures == 0 and requests >= 1000, load)
    check_points(record, release.host, "this chart: right points")
    check_diff(record, release, "the upgrade")


def read_revision(release: Release) -> str:
    status = release.get("ksvc", f"{release.name}-transformer").get("status", {})
    return status.get("latestReadyRevisionName", "")


@pytest.mark.load
@pytest.mark.scenario(10, "two releases side by side in one namespace, one of them upgraded")
def test_two_releases(record: ScenarioResult) -> None:
    releases = [Release("side", name) for name in ("left", "right")]
    for release in releases:
        release.install("monitoring.podMonitor=true", "monitoring.prometheusRule=true", wait=0)
    hosts = []
    for release in releases:
        release.wait_ready()
        hosts.append(release.host)
        check_points(record, hosts[-1], f"{release.name}: right points")
    left, right = (Load(host, (3, 900), picture=make_small(), pause=0.05) for host in hosts)
    before = read_revision(releases[0])
    releases[0].upgrade("transformer.annotations.stamp=two")
    wait_until("the new revision", lambda: read_revision(releases[0]) != before, 180)
    loads = (left, right)
    wait_until("500 requests each", lambda: min(load.count()[0] for load in loads) >= 500, 400, 1)
    for release, load in zip(releases, loads, strict=True):
        load.stop()
        record.check(f"{release.name}: no request failed", load.count()[1] == 0, load)
        check_rules(record, release)


@pytest.mark.skipif(shutil.which("helm4") is None, reason="helm4 is not on PATH")
@pytest.mark.scenario(
    21, "Helm 4: an upgrade of one component, waited for, with helm test as the gate"
)
def test_helm4(record: ScenarioResult) -> None:
    """KServe's observedGeneration lags: what docs/kubernetes.md says to wait for instead."""
    release = Release("helm-four")
    release.install()
    stamp = ("--set", "predictor.annotations.stamp=two")
    place = ("--kube-context", CONTEXT, "-n", release.namespace)
    flags = ("--reset-then-reuse-values", "--wait=hookOnly", "--timeout", "60s")
    run("helm4", "upgrade", release.name, "helm", *place, *flags, *stamp)
    wait = ("wait", "ksvc", "-l", f"serving.kserve.io/inferenceservice={release.name}")
    kubectl("-n", release.namespace, *wait, "--for=condition=Ready", "--timeout=120s")
    stamps = release.stamps("predictor")
    record.check("kubectl wait ksvc ends when the new pods are there", "two" in stamps, stamps)
    output = helm("test", release.name, "-n", release.namespace)
    record.check("helm test passes", "Phase:          Succeeded" in output)
