"""What a model has done since it was loaded, as the V2 statistics extension counts it."""

import time
from collections import Counter
from collections.abc import Mapping

from serving.telemetry.stages import Stage

# Our stages -> the extension's; what is missing here counts in `success` alone.
STAGES: dict[str, str] = {
    Stage.QUEUE: "queue",
    Stage.WAIT: "queue",
    Stage.RESIZE: "compute_input",
    Stage.DECODE: "compute_input",
    Stage.DETECT: "compute_input",
    Stage.CROP: "compute_input",
    Stage.INFER: "compute_infer",
}
COUNTED = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")


class Statistics:
    """Cumulative counts of one model; read and written on the event loop."""

    def __init__(self) -> None:
        self.items = 0  # faces or pictures answered
        self.last = 0  # milliseconds since the epoch
        self.counts = Counter[str]()  # of each of COUNTED, and its seconds in all
        self.seconds = dict.fromkeys(COUNTED, 0.0)

    def add_success(self, seconds: float, timings: Mapping[str, float], items: int) -> None:
        self.items += items
        self.last = time.time_ns() // 1_000_000
        spent = {STAGES[stage] for stage in timings if stage in STAGES}
        for name in ("success", *spent):  # several of our stages are one, which counts once
            self.counts[name] += 1
        self.seconds["success"] += seconds
        for stage, taken in timings.items():
            if stage in STAGES:
                self.seconds[STAGES[stage]] += taken

    def add_failure(self, seconds: float) -> None:
        self.counts["fail"] += 1
        self.seconds["fail"] += seconds

    def describe(self, name: str, version: str, executions: int) -> dict[str, object]:
        """Write the statistics as the extension's JSON object, counts as numbers."""
        return {
            "name": name,
            "version": version,
            "last_inference": self.last,
            "inference_count": self.items,
            "execution_count": executions,
            "inference_stats": {
                key: {"count": self.counts[key], "ns": round(1e9 * seconds)}
                for key, seconds in self.seconds.items()
            },
            "batch_stats": [],
        }
