"""Latency and throughput against load, and from them the level at which a pod is saturated."""

import argparse
import time
from dataclasses import dataclass

import gevent
from locust.env import Environment
from locust.runners import MasterRunner
from locust.stats import calculate_response_time_percentile

ENOUGH = 0.95  # of the best throughput
SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the statistics were at a moment."""

    at: float
    users: int
    requests: int
    failures: int
    times: dict[int, int]  # milliseconds -> requests


@dataclass(frozen=True, slots=True)
class Level:
    """What a number of users saw."""

    users: int
    rps: float  # answered
    failures: int
    p50: float
    p95: float
    p99: float


class Sampler:
    """Looks at the statistics every second of a run."""

    def __init__(self, environment: Environment):
        self.environment = environment
        # Workers report every three seconds: a level's first ones still tell of the one before.
        self.settle = 4.0 if isinstance(environment.runner, MasterRunner) else 1.5
        self.samples: list[Sample] = []
        gevent.spawn(self.run)

    def run(self) -> None:
        while True:
            runner, total = self.environment.runner, self.environment.stats.total
            if runner is not None and runner.user_count:
                counts = total.num_requests, total.num_failures
                times = dict(total.response_times)
                self.samples.append(Sample(time.monotonic(), runner.user_count, *counts, times))
            gevent.sleep(SECOND)


def find_levels(samples: list[Sample], settle: float) -> list[Level]:
    """Find what each number of users saw, its first seconds left out."""
    runs: list[list[Sample]] = []
    for sample in samples:
        if runs and runs[-1][-1].users == sample.users:
            runs[-1].append(sample)
        else:
            runs.append([sample])
    levels = []
    for run in runs:
        kept = [sample for sample in run if sample.at >= run[0].at + settle]
        if len(kept) > 1 and kept[-1].requests > kept[0].requests:
            levels.append(compare(kept[0], kept[-1]))
    return levels


def compare(first: Sample, last: Sample) -> Level:
    """Compare two moments of one level."""
    count, failures = last.requests - first.requests, last.failures - first.failures
    times = {ms: n - first.times.get(ms, 0) for ms, n in last.times.items()}
    times = {ms: n for ms, n in times.items() if n > 0}
    tails = (calculate_response_time_percentile(times, count, q) for q in (0.5, 0.95, 0.99))
    rps = (count - failures) / (last.at - first.at)
    return Level(first.users, rps, failures, *tails)


def find_target(levels: list[Level]) -> int:
    """Return the lowest level with nearly the best throughput: autoscaling.*.target."""
    best = max(level.rps for level in levels)
    return min(level.users for level in levels if level.rps >= ENOUGH * best)


def print_levels(levels: list[Level], options: argparse.Namespace) -> None:
    """Print the levels as a table, and the target where it is asked for."""
    print("\n| users | requests/s | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|")
    for level in levels:
        tails = f"{level.p50:.0f} | {level.p95:.0f} | {level.p99:.0f}"
        print(f"| {level.users} | {level.rps:.1f} | {tails} |")
    if options.find_target and levels:
        print(f"\ntarget: {find_target(levels)}")
