"""2: a load in steps; replicas follow the concurrency as the formula says, and nothing fails."""

import math
import time

from k8s.clustertest.journal import Record
from k8s.clustertest.load import Load
from k8s.clustertest.release import Release
from k8s.clustertest.watch import Watch

TITLE = "Knative scales transformer and predictor on concurrency, and back"
TARGETS = {"transformer": 3, "predictor": 1}
UTILIZATION, MOST = 0.7, 4
STEPS = ((1, 15), (3, 30), (5, 30), (7, 35), (1, 45))  # users, seconds
WINDOW, DELAY = 15, 5


def run(record: Record) -> None:
    release = Release("concurrency")
    release.install(
        f"autoscaling.utilization={UTILIZATION * 100:.0f}",
        f"autoscaling.windowSeconds={WINDOW}",
        f"autoscaling.scaleDownDelaySeconds={DELAY}",
        *(f"autoscaling.{name}.target={target}" for name, target in TARGETS.items()),
        *(f"autoscaling.{name}.max={MOST}" for name in TARGETS),
    )
    steps = ",".join(f"{users}:{seconds}" for users, seconds in STEPS)
    with Watch(release) as watch, Load("concurrency", release.host, steps) as load:
        load.finish()
        ended = time.time()
        for component in TARGETS:
            release.wait_pods(component, 1, 1, WINDOW + DELAY + 40)
    record.number_of("back to one replica each, after the load", f"{time.time() - ended:.0f} s")
    requests, failures = load.totals()
    record.check(
        "no request failed on the way",
        failures == 0,
        f"{requests} requests, {failures} failed {load.reasons()}",
    )
    for component in TARGETS:
        check_component(record, watch, component, load.begun)
    record.series |= {"load": load.history(), "replicas": [drop_busy(s) for s in watch.samples]}
    record.series["started"] = [load.begun]
    release.uninstall()


def check_component(record: Record, watch: Watch, component: str, begun: float) -> None:
    """Compare the replicas at the end of each step with the formula."""
    target = TARGETS[component] * UTILIZATION
    rows, fits, start = [["users", "in flight", "formula", "replicas"]], True, begun
    for users, seconds in STEPS[:-1]:
        end = start + seconds
        inflight = watch.concurrency(component, end - WINDOW, end)
        wanted = min(MOST, max(1, math.ceil(inflight / target)))
        found = [sample[component] for sample in watch.between(end - 4, end)]
        replicas = found[-1] if found else 0
        fits = fits and abs(replicas - wanted) <= 1
        rows.append([str(users), f"{inflight:.1f}", str(wanted), str(replicas)])
        start = end
    record.tables[
        f"{component}: replicas = ceil(in flight / ({TARGETS[component]} x {UTILIZATION}))"
    ] = rows
    peak = max(sample[f"{component}_ready"] for sample in watch.samples)
    record.check(f"{component}: one replica to three and more", peak >= 3, f"{peak} ready")
    record.check(f"{component}: replicas follow the formula within one", fits, rows[1:])
    replicas = [int(row[3]) for row in rows[1:]]
    record.check(
        f"{component}: more load never means fewer replicas", replicas == sorted(replicas), replicas
    )


def drop_busy(sample: dict) -> dict:
    return {key: value for key, value in sample.items() if not key.endswith("busy")}
