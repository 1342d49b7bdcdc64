"""Steps, levels and thresholds: what a run was, in figures."""

import argparse
from types import SimpleNamespace

import pytest
from locust.stats import RequestStats  # unpatched: tests/loadtest/__init__.py

from loadtest.setup import find_reasons
from loadtest.steps import Level, Steps, find_target, read_steps

NONE = {"max_failures": 0.0, "max_p99": 0.0, "min_rps": 0.0}


def make_total(times: list[int], failures: int = 0):
    """Make the statistics of requests that came over ten seconds."""
    stats = RequestStats()
    for took in times:
        stats.log_request("POST", "x", took, 1)
    for _ in range(failures):
        stats.log_error("POST", "x", "no")
    stats.total.start_time, stats.total.last_request_timestamp = 100.0, 110.0
    return stats.total


@pytest.mark.parametrize(
    "options, said",
    [
        ({}, ""),
        ({"max_p99": 400.0}, "p99 is 500 ms, above 400 ms"),
        ({"max_p99": 600.0}, ""),
        ({"min_rps": 11.0}, "10.0 requests per second, below 11"),
        ({"min_rps": 9.0}, ""),
    ],
)
def test_thresholds(options: dict, said: str):
    total = make_total([100] * 97 + [500] * 3)
    reasons = find_reasons(total, argparse.Namespace(**NONE | options))
    assert reasons == ([said] if said else [])


def test_failures_count_by_their_share_and_not_as_answers():
    total = make_total([100] * 100, failures=10)
    options = argparse.Namespace(**NONE | {"max_failures": 0.05, "min_rps": 9.5})
    reasons = find_reasons(total, options)
    assert reasons == [
        "10 of 100 requests failed",
        "9.0 requests per second, below 9.5",
    ]
    options.max_failures = 0.1
    assert len(find_reasons(total, options)) == 1


def test_a_run_without_requests_is_no_success():
    assert find_reasons(make_total([]), argparse.Namespace(**NONE)) == ["no request was made"]


@pytest.mark.parametrize("text", ["", "1", "1:", "x:3", "0:3", "1:0", "1:-2", "1:2;3:4", "1:nan"])
def test_bad_steps_get_a_sentence(text: str):
    with pytest.raises(ValueError, match="--steps"):
        read_steps(text)


def test_steps_go_by_the_clock_and_levels_leave_out_their_first_seconds(monkeypatch):
    steps, stats, users = Steps("1:6,4:8"), RequestStats(), []
    steps.runner = SimpleNamespace(stats=stats)  # type: ignore[assignment]
    for second in range(15):
        monkeypatch.setattr(steps, "get_run_time", lambda at=second: float(at))
        tick = steps.tick()
        users.append(tick[0] if tick else 0)
        for _ in range(10 if second < 6 else 30):
            stats.log_request("POST", "x", 100 if second < 8 else 200, 1)
        if second == 10:
            stats.log_error("POST", "x", "no")
    assert users == [1] * 6 + [4] * 8 + [0]
    one, four = steps.find_levels()
    assert (one.users, one.rps, one.p50) == (1, 10.0, 100)
    assert (four.users, four.p50, four.rps) == (4, 200, pytest.approx(29.8))


def test_the_target_is_the_lowest_level_with_nearly_the_best_throughput():
    speeds = {1: 25.0, 2: 27.5, 4: 28.2, 8: 27.0}
    levels = [Level(users, rps, 1, 1, 1) for users, rps in speeds.items()]
    assert find_target(levels) == 2
