"""The server's own stage timings, from Server-Timing, beside what the client saw."""

from collections import Counter
from typing import Any

from locust.stats import calculate_response_time_percentile

from serving.telemetry.stages import read_timings

CLIENT = "client"  # the whole time as the client has it


class Stages:
    """Tenths of a millisecond of each stage; processes add theirs up."""

    def __init__(self) -> None:
        self.times: dict[str, Counter[int]] = {}

    def note(self, header: str, client_ms: float) -> None:
        """Take in one answer's Server-Timing, and how long the client waited."""
        timings = {stage: 1000 * seconds for stage, seconds in read_timings(header).items()}
        if not timings:
            return
        for stage, took in (timings | {CLIENT: client_ms}).items():
            self.times.setdefault(stage, Counter())[round(10 * took)] += 1

    def hand_over(self) -> dict[str, dict[str, int]]:
        """Give what was noted since the last time, as a message can carry it."""
        given = {s: {str(k): n for k, n in times.items()} for s, times in self.times.items()}
        self.times = {}
        return given

    def add(self, given: Any) -> None:
        """Add what another process handed over."""
        for stage, times in given.items():
            mine = self.times.setdefault(stage, Counter())
            mine.update({int(tenths): count for tenths, count in times.items()})

    def describe(self) -> list[dict[str, object]]:
        """Give mean, median and p99 of each stage in milliseconds, the client's last."""
        rows = []
        for stage in sorted(self.times, key=lambda stage: (stage == CLIENT, stage == "total")):
            times = self.times[stage]
            count = times.total()
            mean = sum(tenths * n for tenths, n in times.items()) / count / 10
            p50, p99 = (
                calculate_response_time_percentile(dict(times), count, share) / 10
                for share in (0.5, 0.99)
            )
            rows.append({"stage": stage, "answers": count, "mean": mean, "p50": p50, "p99": p99})
        return rows
