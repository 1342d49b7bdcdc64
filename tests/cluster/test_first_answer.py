"""A bare cluster, helm install, and the right points over every protocol."""

import time

import pytest

from tests.cluster.commands import CommandError, helm, kubectl
from tests.cluster.journal import ScenarioResult
from tests.cluster.metrics import check_rules, check_scraped
from tests.cluster.picture import ask_grpc, ask_json, wait_answer
from tests.cluster.release import Release

GOAL = 15.0  # seconds to Ready, images on the node

WATCHED = ("monitoring.podMonitor=true", "monitoring.prometheusRule=true")


@pytest.mark.scenario(1, "helm install to the first right answer")
def test_rest(record: ScenarioResult) -> None:
    release = Release("first-answer")
    begun = time.monotonic()
    ready = release.install(*WATCHED, wait=300)
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
    check_loopback(record, release)


@pytest.mark.scenario(2, "the same over gRPC, Ready within 15 s")
def test_grpc(record: ScenarioResult) -> None:
    release = Release("first-answer-grpc")
    ready = release.install("protocol=grpc", "monitoring.podMonitor=true")
    # The second install: by now the node has read both images once.
    record.check(f"Ready within {GOAL:g} s of helm install", ready <= GOAL, f"{ready:.1f} s")
    answer = wait_answer(release.host, ask_grpc)
    record.check("gRPC gives the right points with protocol=grpc", answer.right, answer)
    check_helm_test(record, release, "protocol grpc")
    check_scraped(record, release, "knative, grpc")


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


LOOPBACK = """
import socket, sys
for port in (8080, 8081):
    for address in ("127.0.0.1", "::1"):
        socket.create_connection((address, port), 3).close()
print("both")
"""


def check_loopback(record: ScenarioResult, release: Release) -> None:
    """See that both services listen on both kinds of address, REST and gRPC."""
    for component in ("transformer", "predictor"):
        pod = release.find_pod(component)
        command = ("exec", pod, "-c", "kserve-container", "--", "python", "-c", LOOPBACK)
        try:
            found = kubectl("-n", release.namespace, *command).strip()
        except CommandError as error:
            found = str(error)[-200:]
        record.check(f"{component}: listens on IPv4 and IPv6", found == "both", found)
