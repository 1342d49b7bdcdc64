"""Shapes, thresholds, levels and stages: what a run was, in figures."""

import argparse
from collections import Counter

import pytest
from locust.stats import RequestStats  # unpatched: tests/loadtest/__init__.py

from loadtest.inputs import InputError
from loadtest.levels import Level, Sample, find_levels, find_target
from loadtest.shapes import Shape, read_steps
from loadtest.stages import Stages
from loadtest.thresholds import find_reasons

NONE = {"max_failures": 0.0, "max_p95": 0.0, "max_p99": 0.0, "min_rps": 0.0}


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
        ({"max_p95": 99.0}, "p95 is 100 ms, above 99 ms"),
        ({"min_rps": 11.0}, "10.0 requests a second, below 11"),
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
        "9.0 requests a second, below 9.5",
    ]
    options.max_failures = 0.1
    assert len(find_reasons(total, options)) == 1


def test_a_run_without_requests_is_no_success():
    assert find_reasons(make_total([]), argparse.Namespace(**NONE)) == ["no request was made"]


@pytest.mark.parametrize("text", ["", "1", "1:", "x:3", "0:3", "1:0", "1:-2", "1:2;3:4", "1:nan"])
def test_bad_steps_get_a_sentence(text: str):
    with pytest.raises(InputError, match="--steps"):
        read_steps(text)


@pytest.mark.parametrize(
    "shape, at, users",
    [
        ("steady", 1, 16),
        ("spike", 1, 2),
        ("spike", 25, 16),
        ("spike", 45, 2),
        ("soak", 59, 16),
        ("steps", 1, 3),
        ("steps", 6, 7),
        ("steps", 16, None),
        ("steady", 61, None),
    ],
)
def test_shapes_go_by_the_clock(shape: str, at: float, users: int | None, monkeypatch):
    options = argparse.Namespace(shape=shape, steps="3:5,7:10", num_users=16, run_time=60)
    made = Shape(options)
    monkeypatch.setattr(made, "get_run_time", lambda: at)
    tick = made.tick()
    assert (tick[0] if tick else None) == users


def test_levels_leave_out_their_first_seconds_and_what_came_before():
    samples = [
        *(Sample(float(s), 1, 10 * s, 0, {100: 10 * s}) for s in range(6)),
        *(
            Sample(5.0 + s, 4, 50 + 30 * s, s, {100: 50, 200: 30 * s if s > 1 else 0})
            for s in range(1, 8)
        ),
    ]
    one, four = find_levels(samples, settle=1.5)
    assert (one.users, one.rps, one.p50) == (1, 10.0, 100)
    assert (four.users, four.p50, four.failures) == (4, 200, 4)
    assert four.rps == pytest.approx(29.0)


def test_the_target_is_the_lowest_level_with_nearly_the_best_throughput():
    speeds = {1: 25.0, 2: 27.5, 4: 28.2, 8: 27.0}
    levels = [Level(users, rps, 0, 1, 1, 1) for users, rps in speeds.items()]
    assert find_target(levels) == 2


def test_stages_of_processes_add_up():
    worker, master = Stages(), Stages()
    for took in (10.0, 20.0, 30.0):
        worker.note(f"detect;dur={took}, total;dur={took + 1}", took + 2)
    worker.note("", 99.0)  # a proxy dropped it
    master.add(worker.hand_over())
    worker.note("detect;dur=40", 42.0)
    master.add(worker.hand_over())
    rows = {row["stage"]: row for row in master.describe()}
    assert rows["detect"]["answers"] == 4 and rows["detect"]["mean"] == 25.0
    assert rows["client"]["p99"] == 42.0
    assert worker.times == {} and isinstance(master.times["detect"], Counter)
