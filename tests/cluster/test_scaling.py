"""Knative scales with a load, from zero, and refuses what is too much."""

import math
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster.journal import ScenarioResult, wait_until
from tests.cluster.load import Load, make_crowd, make_small
from tests.cluster.picture import ask_jpeg, check_points
from tests.cluster.release import Release, list_firing
from tests.cluster.watch import Watch

TARGETS = {"transformer": 3, "predictor": 2}
UTILIZATION, MOST = 0.7, 4
STEPS = ((1, 15), (4, 30), (10, 35), (1, 90))  # users, seconds; the last ends when all is seen
WINDOW, DELAY = 15, 5


@pytest.mark.load
@pytest.mark.scenario(3, "Knative scales transformer and predictor on concurrency, and back")
def test_up_and_down(record: ScenarioResult) -> None:
    release = Release("concurrency")
    release.install(
        f"autoscaling.utilization={UTILIZATION * 100:.0f}",
        f"autoscaling.windowSeconds={WINDOW}",
        f"autoscaling.scaleDownDelaySeconds={DELAY}",
        *(f"autoscaling.{name}.target={target}" for name, target in TARGETS.items()),
        *(f"autoscaling.{name}.max={MOST}" for name in TARGETS),
    )
    with Watch(release) as watch, Load(release.host, *STEPS, picture=make_crowd()) as load:
        wait_until("the end of the load, or one replica each", lambda: ended(watch, load), 300, 1)
        load.stop()
    text = "back to one replica each, after ten users became one"
    record.number_of(text, find_return(watch, load))
    record.check("no request failed on the way", load.count()[1] == 0, load)
    last = {component: watch.samples[-1][component] for component in TARGETS}
    record.check("one replica each again at the end", {*last.values()} == {1}, last)
    for component, target in TARGETS.items():
        check_component(record, watch, component, load.begun, target)
        peak = watch.peak(component)
        record.check(f"{component}: one replica to three and more", peak >= 3, f"{peak} ready")


def ended(watch: Watch, load: Load) -> bool:
    """Check whether all is seen: the last step began, and there was one pod each for 3 s."""
    down = load.begun + sum(seconds for _, seconds in STEPS[:-1])
    last = watch.between(down, down + 300)[-3:]
    alone = len(last) == 3 and all(sample[name] == 1 for sample in last for name in TARGETS)
    return alone or not load.running


def find_return(watch: Watch, load: Load) -> str:
    down = load.begun + sum(seconds for _, seconds in STEPS[:-1])
    alone = [s["at"] for s in watch.between(down, down + 300) if all(s[c] == 1 for c in TARGETS)]
    return f"{alone[0] - down:.0f} s" if alone else "not seen"


def check_component(
    record: ScenarioResult, watch: Watch, component: str, begun: float, wished: float
) -> None:
    """Compare the pods at each step's end with the formula on the autoscaler's own numbers."""
    rows, start = [], begun
    for users, seconds in STEPS[:-1]:
        start += seconds
        last = watch.last(component, start - seconds, start)
        inflight = last[f"{component}_concurrency_stable"]
        target = last[f"{component}_concurrency_target"]
        wanted = min(MOST, max(1, math.ceil(inflight / target)))
        rows.append((users, inflight, wanted, int(last[component])))
    text, wished = f"{component}: the autoscaler has the chart's target", wished * UTILIZATION
    record.check(text, math.isclose(target, wished), f"{target:.1f}")
    record.check(
        f"{component}: replicas = ceil(in flight / {wished:.1f}), within one",
        all(abs(wanted - replicas) <= 1 for _, _, wanted, replicas in rows),
        ", ".join("{} users, {:.2f} in flight: {}, {}".format(*row) for row in rows),
    )


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


LIMIT = 32
SECONDS = 75
USERS, EVERY = 160, 1.0


@pytest.mark.load
@pytest.mark.scenario(4, "four times the load that one pod carries, mode knative")
def test_overload(record: ScenarioResult) -> None:
    release = Release("overload")
    release.install(
        "autoscaling.transformer.max=1",
        "autoscaling.predictor.max=1",
        f"autoscaling.transformer.limit={LIMIT}",
        "transformer.resources.limits.cpu=500m",
        "monitoring.podMonitor=true",
        "monitoring.prometheusRule=true",
        "monitoring.alerts.minutes=1",
    )
    check_points(record, release.host)
    picture = make_small()
    with Load(release.host, (8, 12), picture=picture) as alone:
        alone.finish()
    carried = alone.count()[0] / 12
    every = USERS / (4 * carried)
    record.number_of("what it carries", f"{carried:.0f} requests/s")
    with Watch(release) as watch:
        begun = time.time()
        with Load(release.host, (USERS, SECONDS), picture=picture, every=every) as load:
            load.finish()
        ended = time.time()
    record.number_of("offered", f"{USERS / every:.0f} requests/s for {SECONDS} s")
    total, _ = load.count()
    refused = sum(n for key, n in load.statuses.items() if key.startswith("429 application/json"))
    good = load.statuses["200"] + refused
    record.check(
        "99 % of the answers are 200 or 429 in JSON",
        good >= 0.99 * total and refused > 0,
        f"{load.statuses['200']} and {refused} of {load}",
    )
    slow = load.find_slowest("429", 99)
    # The goal is 1 s; what counts, on a machine that does other things too, is that nobody waits
    # for the gateway's 504 after 35 s.
    record.check("a refusal takes at most 10 s (99 %, goal 1 s)", slow <= 10.0, f"{slow:.2f} s")
    ready = [sample["transformer_ready"] for sample in watch.between(begun + 2, ended)]
    record.check("the transformer stays ready", min(ready) >= 1, f"{min(ready):g} at least")
    see_alert(record, release)


def see_alert(record: ScenarioResult, release: Release) -> None:
    name = "LandmarksQueueFull"
    record.wait(f"{name} fires", lambda: name in list_firing(release), 60, 2)
    record.wait(f"{name} ends", lambda: name not in list_firing(release), 150, 3)
