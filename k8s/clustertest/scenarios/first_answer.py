"""1: a bare cluster, helm install, and the right points over every protocol."""

import time

from k8s.clustertest.commands import CommandError, helm
from k8s.clustertest.journal import Record
from k8s.clustertest.picture import Answer, ask_grpc, ask_jpeg, ask_json
from k8s.clustertest.release import Release

TITLE = "helm install to the first right answer"


def run(record: Record) -> None:
    release = Release("first-answer")
    begun = time.monotonic()
    ready = release.install(wait=300)
    host = release.host
    answer = wait_answer(host)
    record.number_of("helm install to Ready", f"{ready:.1f} s")
    record.number_of("helm install to the first answer", f"{time.monotonic() - begun:.1f} s")
    record.check("image/jpeg gives the right points through the ingress", answer.right, answer)
    answer = ask_json(host)
    record.check("V2 JSON gives the right points through the ingress", answer.right, answer)
    check_helm_test(record, release, "protocol rest")
    release.uninstall()

    release = Release("first-answer-grpc")
    release.install("protocol=grpc")
    answer = ask_grpc(release.host)
    record.check("gRPC gives the right points with protocol=grpc", answer.right, answer)
    check_helm_test(record, release, "protocol grpc")
    release.uninstall()


def wait_answer(host: str, seconds: float = 20) -> Answer:
    """The gateway learns of a new host a moment after Ready: ask until it knows it."""
    latest = time.monotonic() + seconds
    while True:
        answer = ask_jpeg(host)
        if not answer.problem or time.monotonic() > latest:
            return answer
        time.sleep(0.2)


def check_helm_test(record: Record, release: Release, text: str) -> None:
    """Run `helm test`."""
    try:
        output = helm("test", release.name, "-n", release.namespace, "--logs")
        said = next((line for line in output.splitlines() if line.startswith("15 points")), "")
        record.check(f"helm test passes ({text})", bool(said), said)
    except CommandError as error:
        record.check(f"helm test passes ({text})", False, str(error)[-500:])
