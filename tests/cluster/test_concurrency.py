"""A load in steps: replicas follow the concurrency as the formula says, and nothing fails."""

import math

import pytest

from tests.cluster.journal import ScenarioResult, wait_until
from tests.cluster.load import Load, make_crowd
from tests.cluster.release import Release
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
