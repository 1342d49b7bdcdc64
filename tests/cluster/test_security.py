"""Pod Security "restricted" enforced, nothing writable, nobody's root, policies valid."""

import json

import pytest

from tests.cluster.commands import CommandError, kubectl
from tests.cluster.journal import ScenarioResult
from tests.cluster.picture import wait_answer
from tests.cluster.release import Release


@pytest.mark.scenario(14, 'Pod Security "restricted", read-only root, NetworkPolicy')
def test_restricted(record: ScenarioResult) -> None:
    release = Release("security")
    release.install("networkPolicy.enabled=true")
    labels = json.loads(kubectl("get", "namespace", release.namespace, "-o", "json"))["metadata"][
        "labels"
    ]
    enforced = labels.get("pod-security.kubernetes.io/enforce")
    record.check(
        "the namespace enforces restricted, and all pods started",
        enforced == "restricted",
        enforced,
    )
    try:
        kubectl("-n", release.namespace, "run", "root", "--image=landmarks-transformer:none")
        record.check("an ordinary pod is refused there", False)
    except CommandError as error:
        record.check("an ordinary pod is refused there", "violates PodSecurity" in str(error))
    for component in ("transformer", "predictor"):
        pod = release.find_pod(component)
        found = execute(release, pod, "touch /app/x /usr/x /x")
        record.check(
            f"{component}: cannot write its root file system",
            found.count("Read-only file system") == 3,
            found.splitlines()[-1],
        )
        record.check(
            f"{component}: can write /tmp",
            execute(release, pod, "touch /tmp/x && echo yes").strip() == "yes",
        )
        user = execute(release, pod, "id -u; cat /proc/1/status | grep CapEff")
        record.check(
            f"{component}: runs as 65532 without capabilities",
            user.split()[0] == "65532" and int(user.split()[-1], 16) == 0,
            " ".join(user.split()),
        )
        token = execute(release, pod, "ls /var/run/secrets/kubernetes.io/serviceaccount")
        record.check(f"{component}: has no API token", "No such file" in token)
    policies = [item["metadata"]["name"] for item in release.get("networkpolicies")["items"]]
    record.check(
        "NetworkPolicies are accepted (this cluster doesn't enforce them)",
        len(policies) == 2,
        policies,
    )
    answer = wait_answer(release.host)
    record.check("right points", answer.right, answer)


@pytest.mark.scenario(15, "another user than the image's, as OpenShift gives each namespace")
def test_any_user(record: ScenarioResult) -> None:
    release = Release("any-user")
    ids = ("securityContext.runAsUser=1000650000", "securityContext.runAsGroup=0")
    release.install(*ids, "podSecurityContext.fsGroup=1000650000")
    for component in ("transformer", "predictor"):
        pod = release.find_pod(component)
        user = execute(release, pod, "id -u").strip()
        record.check(f"{component}: runs as that user", user == "1000650000", user)
    answer = wait_answer(release.host)
    record.check("right points", answer.right, answer)


def execute(release: Release, pod: str, script: str) -> str:
    """Run a shell line in the pod; gives what it wrote, error or not."""
    try:
        return kubectl(
            "-n", release.namespace, "exec", pod, "-c", "kserve-container", "--", "sh", "-c", script
        )
    except CommandError as error:
        return str(error)
