"""Load by the clock, --steps 1:15,5:30,1:20, and what each level of it saw.

One user for 15 s, five for 30 s, one for 20 s. From levels that grow comes the one at which a
pod is saturated: autoscaling.*.target of the chart.
"""

from collections import Counter
from typing import NamedTuple

from locust import LoadTestShape
from locust.runners import MasterRunner
from locust.stats import calculate_response_time_percentile

AT_ONCE = 100.0  # users started or stopped per second
ENOUGH = 0.95  # of the best throughput


class Sample(NamedTuple):
    """What the statistics were at a moment."""

    at: float  # seconds
    requests: int
    failures: int
    times: dict[int, int]  # milliseconds -> requests


class Level(NamedTuple):
    """What a number of users saw: answered requests per second, and milliseconds."""

    users: int
    rps: float
    p50: float
    p95: float
    p99: float


class Steps(LoadTestShape):
    """Users by the clock; notes the statistics at the begin and the end of each step."""

    def __init__(self, text: str):
        super().__init__()
        self.plan = read_steps(text)
        self.seen: dict[int, list[Sample]] = {}  # by the step's number: the first, the last

    def tick(self) -> tuple[int, float] | None:
        # Workers report every three seconds: a step's first ones still tell of the one before.
        settle = 4.0 if isinstance(self.runner, MasterRunner) else 1.5
        left = now = self.get_run_time()
        for number, (users, seconds) in enumerate(self.plan):
            if left < seconds:
                if self.runner and left >= settle:
                    total = self.runner.stats.total
                    counts = total.num_requests, total.num_failures, dict(total.response_times)
                    sample = Sample(now, *counts)
                    self.seen[number] = [*self.seen.get(number, [sample])[:1], sample]
                return users, AT_ONCE
            left -= seconds
        return None

    def find_levels(self) -> list[Level]:
        """Compare the first and the last moment of each step."""
        return [
            compare(self.plan[number][0], samples[0], samples[-1])
            for number, samples in self.seen.items()
            if samples[-1].requests > samples[0].requests
        ]


def read_steps(text: str) -> list[tuple[int, float]]:
    """Read "USERS:SECONDS,..."; raises ValueError with a sentence."""
    try:
        pairs = [step.split(":") for step in text.split(",")]
        steps = [(int(users), float(seconds)) for users, seconds in pairs]
    except ValueError:
        raise ValueError(f"--steps '{text}' is not USERS:SECONDS,... as 1:15,5:30.") from None
    if any(users < 1 or not seconds > 0 for users, seconds in steps):
        raise ValueError(f"--steps '{text}' has a step without users or without time.")
    return steps


def compare(users: int, first: Sample, last: Sample) -> Level:
    """Say what lies between two moments of one step."""
    count, failures = last.requests - first.requests, last.failures - first.failures
    times = dict(Counter(last.times) - Counter(first.times))
    tails = (calculate_response_time_percentile(times, count, q) for q in (0.5, 0.95, 0.99))
    return Level(users, (count - failures) / (last.at - first.at), *tails)


def find_target(levels: list[Level]) -> int:
    """Return the lowest level with nearly the best throughput."""
    best = max(level.rps for level in levels)
    return min(level.users for level in levels if level.rps >= ENOUGH * best)


def print_levels(levels: list[Level]) -> None:
    print("\n| users | requests/s | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|")
    for level in levels:
        tails = f"{level.p50:.0f} | {level.p95:.0f} | {level.p99:.0f}"
        print(f"| {level.users} | {level.rps:.1f} | {tails} |")
    if levels:
        print(f"\ntarget: {find_target(levels)}")
