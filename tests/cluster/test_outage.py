"""The only predictor away for 45 and 120 s: 503 meanwhile, and answers as soon as it is back."""

import threading
import time

import pytest

from tests.cluster.commands import kubectl, wait_until
from tests.cluster.journal import ScenarioResult
from tests.cluster.picture import ask_jpeg, check_points, wait_answer
from tests.cluster.release import Release
from tests.cluster.test_plain import expose

AWAY = (45, 120)
GOAL = 3.0


@pytest.mark.scenario(8, "the only predictor away for 45 and 120 s; mode external")
def test_outage(record: ScenarioResult) -> None:
    """Two releases at once, whose Deployments KServe leaves as they are scaled."""
    releases = {seconds: Release(f"away-{seconds}") for seconds in AWAY}
    for release in releases.values():
        release.install("autoscaling.mode=external", "drainSeconds=1", wait=0)
    hosts = {}
    for seconds, release in releases.items():
        release.wait_ready()
        hosts[seconds] = expose(release)
        check_points(record, hosts[seconds], f"{release.namespace}: right points")
    threads = [
        threading.Thread(target=see_outage, args=(record, release, hosts[seconds], seconds))
        for seconds, release in releases.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def scale(release: Release, replicas: int) -> None:
    deployment = f"deployment/{release.name}-predictor"
    kubectl("-n", release.namespace, "scale", deployment, f"--replicas={replicas}")


def see_outage(record: ScenarioResult, release: Release, host: str, seconds: int) -> None:
    scale(release, 0)
    wait_until("no predictor", lambda: not release.pods("predictor"), 60)
    time.sleep(2)
    said, ended = [], time.monotonic() + seconds
    while time.monotonic() < ended:
        said.append(ask_jpeg(host, 20))
        time.sleep(1)
    refused = [a for a in said if a.problem.startswith("HTTP 503") and a.retry_after]
    record.check(
        f"away {seconds} s: 503 with Retry-After meanwhile",
        len(refused) == len(said),
        f"{len(refused)} of {len(said)}; {said[-1]}",
    )
    ready = release.ready_pods("transformer")
    record.check(f"away {seconds} s: the transformer stays ready", len(ready) == 1, len(ready))
    scale(release, 1)
    wait_until("the predictor", lambda: release.ready_pods("predictor"), 120, 0.2)
    begun = time.monotonic()
    answer = wait_answer(host, seconds=120)
    took = time.monotonic() - begun
    record.check(
        f"away {seconds} s: first answer within {GOAL:g} s of Ready",
        answer.right and took <= GOAL,
        f"{took:.1f} s, {answer}",
    )
