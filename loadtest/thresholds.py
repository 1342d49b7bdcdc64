"""The exit code: 1 where too many answers failed, came too late or were too few."""

import argparse

from locust.stats import StatsEntry


def find_reasons(total: StatsEntry, options: argparse.Namespace) -> list[str]:
    """Say in what a run fell short of the thresholds."""
    if total.num_requests == 0:
        return ["no request was made"]
    reasons = []
    if total.fail_ratio > options.max_failures:
        reasons.append(f"{total.num_failures} of {total.num_requests} requests failed")
    took = total.get_response_time_percentile(0.99) or 0
    if options.max_p99 and took > options.max_p99:
        reasons.append(f"p99 is {took:.0f} ms, above {options.max_p99:g} ms")
    answered = total.total_rps - total.total_fail_per_sec
    if options.min_rps and answered < options.min_rps:
        reasons.append(f"{answered:.1f} requests per second, below {options.min_rps:g}")
    return reasons
