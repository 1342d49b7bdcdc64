"""A bare cluster, helm install, and the right points over every protocol; one process or two."""

import json
import time
from functools import partial

import pytest

from tests.cluster.journal import CommandError, ScenarioResult, helm, kubectl, wait_until
from tests.cluster.load import Load, make_small
from tests.cluster.picture import (
    ask_grpc,
    ask_jpeg,
    ask_json,
    check_points,
    read_metadata,
    wait_answer,
)
from tests.cluster.release import Release, check_rules, check_scraped
from tests.cluster.test_plain import expose

GOAL, LIMIT = 15, 30  # seconds to Ready, images on the node

WATCHED = ("monitoring.podMonitor=true", "monitoring.prometheusRule=true")
USER = "1000650000"  # as OpenShift gives each namespace


@pytest.mark.scenario(1, "helm install to the first right answer")
def test_rest(record: ScenarioResult) -> None:
    release = Release("first-answer")
    begun = time.monotonic()
    ready = release.install(*WATCHED, "networkPolicy.enabled=true", wait=300)
    host = release.host
    answer = wait_answer(host)
    record.number_of("helm install to Ready", f"{ready:.1f} s")
    record.number_of("helm install to the first answer", f"{time.monotonic() - begun:.1f} s")
    record.check("image/jpeg gives the right points through the ingress", answer.right, answer)
    answer = ask_json(host)
    record.check("V2 JSON gives the right points through the ingress", answer.right, answer)
    check_helm_test(record, release, "protocol rest")
    check_diff(record, release, "install")
    check_scraped(record, release, "knative")
    check_rules(record, release)
    check_restricted(record, release)
    check_hidden(record, release)
    check_graph(record, release)


@pytest.mark.scenario(2, "the same over gRPC, as another user")
def test_grpc(record: ScenarioResult) -> None:
    release = Release("first-answer-grpc")
    ids = (f"securityContext.runAsUser={USER}", "securityContext.runAsGroup=0")
    pods = (f"podSecurityContext.fsGroup={USER}", "monitoring.podMonitor=true")
    ready = release.install("protocol=grpc", *ids, *pods)
    # The second install: by now the node has read both images once.
    text = f"Ready within {LIMIT} s of helm install (goal {GOAL} s)"
    record.check(text, ready <= LIMIT, f"{ready:.1f} s")
    text = "gRPC gives the right points with protocol=grpc"
    check_points(record, release.host, text, ask=ask_grpc)
    check_helm_test(record, release, "protocol grpc")
    check_scraped(record, release, "knative, grpc")
    for component in ("transformer", "predictor"):
        user = execute(release, component, "id -u").strip()
        record.check(f"{component}: runs as that user", user == USER, user)


def check_helm_test(record: ScenarioResult, release: Release, text: str) -> None:
    """Run `helm test`; nothing of it is left afterwards."""
    try:
        output = helm("test", release.name, "-n", release.namespace)
        record.check(f"helm test passes ({text})", "Phase:          Succeeded" in output)
    except CommandError as error:
        record.check(f"helm test passes ({text})", False, str(error)[-500:])
    left = kubectl("-n", release.namespace, "get", "pod,configmap", "-o", "name")
    record.check(f"helm test leaves nothing ({text})", f"{release.name}-test" not in left)


def check_diff(record: ScenarioResult, release: Release, when: str) -> None:
    found = release.diff()
    record.check(f"kubectl diff after {when} shows nothing", not found, found[-300:])


def check_restricted(record: ScenarioResult, release: Release) -> None:
    """Pod Security "restricted" is enforced; see that nothing can be written and nobody is root."""
    command = ("-n", release.namespace, "run", "root", "--image=landmarks-transformer:none")
    record.refuse("an ordinary pod", partial(kubectl, *command), "violates PodSecurity")
    for component in ("transformer", "predictor"):
        found = execute(release, component, "touch /app/x /usr/x /x")
        refused = found.count("Read-only file system") == 3
        record.check(f"{component}: cannot write its root file system", refused, found[-100:])
        found = execute(release, component, "touch /tmp/x && id -u && grep CapEff /proc/1/status")
        user = found.split()
        alone = user[0] == "65532" and int(user[-1], 16) == 0
        record.check(f"{component}: writes /tmp as 65532 without capabilities", alone, found)
        token = execute(release, component, "ls /var/run/secrets/kubernetes.io/serviceaccount")
        record.check(f"{component}: has no API token", "No such file" in token)
    policies = [item["metadata"]["name"] for item in release.get("networkpolicies")["items"]]
    text = "NetworkPolicies are accepted (this cluster doesn't enforce them)"
    record.check(text, len(policies) == 2, policies)


def execute(release: Release, component: str, script: str) -> str:
    shell = ("-c", "kserve-container", "--", "sh", "-c", script)
    try:
        return kubectl("-n", release.namespace, "exec", release.find_pod(component), *shell)
    except CommandError as error:
        return str(error)


def check_hidden(record: ScenarioResult, release: Release) -> None:
    answer = ask_jpeg(release.host.replace("-transformer", "-predictor"))
    record.check("the predictor is not on the ingress", "HTTP 404" in answer.problem, answer)


def check_graph(record: ScenarioResult, release: Release) -> None:
    """See that an InferenceGraph finds the service: it asks V2 only where it is told to."""
    steps = [{"serviceName": release.name}]
    graph = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": "graph"},
        "spec": {"nodes": {"root": {"routerType": "Sequence", "steps": steps}}},
    }
    release.enforce("privileged")  # KServe's router runs as it comes
    kubectl("-n", release.namespace, "apply", "-f", "-", stdin=json.dumps(graph))
    host = f"graph.{release.namespace}.example.com"
    ask_root, text = partial(ask_json, path=""), "an InferenceGraph gets the right points"
    check_points(record, host, text, ask=ask_root, seconds=180)


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
    ours = names == ["kserve-container", "queue-proxy"]
    record.check("one pod, one container of ours", ours, names)
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
    check_points(record, expose(plain), "mode none, gRPC: right points", ask=ask_grpc)
    check_scraped(record, plain, "single, mode none")


def upgrade(record: ScenarioResult, release: Release) -> None:
    with Load(release.host, (4, 900), picture=make_small(), pause=0.04) as load:
        wait_until("the first requests", lambda: load.count()[0] > 0, 60, 1)
        release.upgrade("predictor.annotations.stamp=two")
        wait_until("only the new revision", lambda: release.stamps("predictor") == {"two"}, 120)
        load.wait_more(500)
        load.stop()
    requests, failures = load.count()
    record.check("helm upgrade: 0 failed requests", failures == 0 and requests >= 500, load)
