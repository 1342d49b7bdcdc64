"""From zero: who comes first waits for the start of both components, or of one process."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster.journal import ScenarioResult, wait_until
from tests.cluster.picture import ask_jpeg
from tests.cluster.release import Release

# Seconds to the first answer, images on the node: what counts on a machine that does other things
# too, and the goal.
LIMITS = {"both": (6.0, 4), "one process": (5.0, 3)}
QUICK = ("autoscaling.windowSeconds=8", "autoscaling.scaleDownDelaySeconds=0")


@pytest.mark.scenario(5, "scale to zero, and the cold start")
def test_cold_start(record: ScenarioResult) -> None:
    """Two releases, so that one falls to zero while the other is asked."""
    releases = {"both": Release("zero"), "one process": Release("zero-single")}
    releases["both"].install(
        *(f"autoscaling.{component}.min=0" for component in ("transformer", "predictor")),
        "autoscaling.transformer.target=8",  # one pod for all four callers
        *QUICK,
    )
    single = ("topology=single", "autoscaling.single.min=0", "autoscaling.single.target=8")
    releases["one process"].install(*single, *QUICK)
    for what, release in releases.items():
        (limit, goal), seconds = LIMITS[what], see_start(record, release, what)
        text = f"cold start of {what} to the first answer within {limit:g} s (goal {goal} s)"
        record.check(text, seconds <= limit, f"{seconds:.1f} s")


def see_start(record: ScenarioResult, release: Release, what: str) -> float:
    host = release.host
    wait_until("no pod left", lambda: gone(release), 180)
    with ThreadPoolExecutor(4) as callers:  # three more who come while it starts
        answers = list(callers.map(ask_jpeg, [host] * 4))
    record.check(
        f"{what}: the first four callers wait and get the right points",
        all(answer.right for answer in answers),
        ", ".join(answer.problem or f"{answer.seconds:.1f} s" for answer in answers),
    )
    record.number_of(f"warm answer of {what}", f"{ask_jpeg(host).seconds:.2f} s")
    return min(answer.seconds for answer in answers)


def gone(release: Release) -> bool:
    """No pod at all, those on their way out included: the next start is cold."""
    selector = f"serving.kserve.io/inferenceservice={release.name}"
    return not release.get("pods", selector=selector)["items"]
