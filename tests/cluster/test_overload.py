"""Four times what a pod can do, mode knative: 200 or 429 at once, ready all the time, an alert."""

import time

import pytest

from tests.cluster.journal import ScenarioResult
from tests.cluster.load import Load, make_small
from tests.cluster.picture import check_points
from tests.cluster.release import Release, list_firing
from tests.cluster.watch import Watch

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
