"""Values and changes that are refused; from the last chart to this one; two releases; Helm 4."""

import shutil
import subprocess
import sys
from functools import partial

import pytest
import yaml

from serving.server import RELEASE
from tests.cluster.journal import (
    CONTEXT,
    OUT,
    ROOT,
    CommandError,
    ScenarioResult,
    helm,
    kubectl,
    run,
    wait_until,
)
from tests.cluster.load import Load, make_small
from tests.cluster.picture import check_points
from tests.cluster.release import Release, check_rules
from tests.cluster.test_first_answer import check_diff
from tests.helm.conftest import CI_FILES, render
from tests.helm.test_service import VARIANTS

UNIT_LOG = OUT / "unit-tests.log"
UNIT: list[subprocess.Popen[bytes]] = []  # started with the cluster


def see_variants(record: ScenarioResult) -> None:
    """Let the API server look at each variant's InferenceService; run the chart's unit tests."""
    variants = {",".join(values) or "defaults": render(*values) for values in VARIANTS}
    for name in CI_FILES:
        variants[f"helm/ci/{name}-values.yaml"] = render(files=(f"ci/{name}-values.yaml",))
    refused = {}
    for name, documents in variants.items():
        service = next(d for d in documents if d["kind"] == "InferenceService")
        service["metadata"]["namespace"] = "default"
        try:
            kubectl("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(service))
        except CommandError as error:
            refused[name] = str(error)[-300:]
    found = refused or f"{len(variants)} variants"
    record.check("the API server accepts every variant (dry run)", not refused, found)
    check_unit_tests(record)


def start_unit_tests() -> subprocess.Popen[bytes]:
    """Start the chart's unit tests, which need a helm and no cluster: while images are built."""
    OUT.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/helm"]
    with UNIT_LOG.open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def check_unit_tests(record: ScenarioResult) -> None:
    if not UNIT:
        return
    code = UNIT.pop().wait(900)
    output = UNIT_LOG.read_text()
    summary = (output.strip().splitlines() or ["nothing"])[-1]
    passed = code == 0 and "helm is not on PATH" not in output
    record.check("the chart's unit tests pass", passed, summary)


REFUSED = {  # values -> what the refusal has to say: the chart's own, then the API server's
    "autoscaling.mode=hpa": "autoscaling.mode hpa is gone",
    "transformer.resources.requests.cpu=3": "must be less than or equal to cpu limit of 2",
    "predictor.tolerations[0].operator=Exists,predictor.tolerations[0].value=x": "tolerations[0]",
    "predictor.volumeMounts[0].name=no,predictor.volumeMounts[0].mountPath=/x": "volumeMounts[0]",
    "securityContext.seccompProfile.type=Foo": "seccompProfile.type",
    "transformer.podSpec.dnsPolicy=None": "dnsConfig",
    "transformer.resources.limits.cpu=many": "quantities must match",
}


@pytest.mark.scenario(16, "bad values are refused with a sentence, good ones accepted")
def test_values(record: ScenarioResult) -> None:
    place = ("--namespace", "bad", "--create-namespace", "--values", "k8s/values-kind.yaml")
    for values, sentence in REFUSED.items():
        command = ("upgrade", "--install", "bad", "helm", *place, "--set", values)
        record.refuse(values, partial(helm, *command), sentence)
    made = kubectl("-n", "bad", "get", "inferenceservices,pods", "-o", "name")
    record.check("nothing was made on the way", not made, made)
    helm("uninstall", "bad", "-n", "bad", "--ignore-not-found")
    see_variants(record)


@pytest.mark.scenario(17, "modes and topologies that an installed release can't change to")
def test_mode_change(record: ScenarioResult) -> None:
    release, single = Release("mode-change"), Release("topology-change")
    release.install("autoscaling.mode=none", wait=0)
    single.install("topology=single", wait=0)
    knative, none = (partial(release.upgrade, f"autoscaling.mode={m}") for m in ("knative", "none"))
    record.refuse("none to knative", knative, "KServe refuses to change that")
    release.upgrade("autoscaling.mode=keda")
    wait_until("autoscalers", lambda: release.get("scaledobjects")["items"], 60)
    record.check("none to keda is taken, and makes autoscalers", True)
    record.refuse("keda to none", none, "set min and max to the same number")
    split = partial(single.upgrade, "topology=split")
    record.refuse("single to split", split, "would be the bare predictor")


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
@pytest.mark.scenario(21, "Helm 4: an upgrade of one component, waited for, then helm test")
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
