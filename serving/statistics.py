"""What a model has done since it was loaded, as the V2 statistics extension counts it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.telemetry.stages import Stage, Timings

STAGES: dict[
    str, str
] = {  # our stages -> the extension's; what is missing here counts in `success` alone
    Stage.QUEUE: "queue",
    Stage.WAIT: "queue",
    Stage.RESIZE: "compute_input",
    Stage.DECODE: "compute_input",
    Stage.DETECT: "compute_input",
    Stage.CROP: "compute_input",
    Stage.INFER: "compute_infer",
}
COUNTERS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")


@dataclass(slots=True)
class Duration:
    """How often something happened and how long that took in all."""

    count: int = 0
    ns: int = 0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.ns += round(seconds * 1e9)


@dataclass(slots=True)
class Statistics:
    """Cumulative counts of one model; read and written on the event loop."""

    items: int = 0  # faces or pictures answered
    last: int = 0  # milliseconds since the epoch
    durations: dict[str, Duration] = field(
        default_factory=lambda: {name: Duration() for name in COUNTERS}
    )

    def add_success(self, seconds: float, timings: Mapping[str, float], items: int) -> None:
        self.items += items
        self.last = time.time_ns() // 1_000_000
        self.durations["success"].add(seconds)
        spent: Timings = {}  # several of our stages are one of the extension's, which counts once
        for stage, taken in timings.items():
            if name := STAGES.get(stage):
                spent[name] = spent.get(name, 0.0) + taken
        for name, taken in spent.items():
            self.durations[name].add(taken)

    def add_failure(self, seconds: float) -> None:
        self.durations["fail"].add(seconds)

    def describe(self, name: str, version: str, executions: int) -> dict[str, object]:
        """Write the statistics as the extension's JSON object, counts as numbers."""
        durations = {
            key: {"count": value.count, "ns": value.ns} for key, value in self.durations.items()
        }
        return {
            "name": name,
            "version": version,
            "last_inference": self.last,
            "inference_count": self.items,
            "execution_count": executions,
            "inference_stats": durations,
            "batch_stats": [],
        }
