"""Draw replicas and latency over time."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def draw(series: dict[str, list], path: Path) -> None:
    """Users and replicas above, latency below."""
    start = series["started"][0]
    load, replicas = series["load"], series["replicas"]
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 6), sharex=True)
    times = [sample["at"] - start for sample in replicas]
    for component, color in (("transformer", "#1f77b4"), ("predictor", "#d62728")):
        counts = [sample[f"{component}_ready"] for sample in replicas]
        above.step(times, counts, where="post", color=color, label=f"{component} pods ready")
    seconds = [sample["at"] - start for sample in load]
    users = [sample["users"] for sample in load]
    above.step(seconds, users, where="post", color="#999999", label="users, one request each")
    above.set_ylabel("number")
    above.set_ylim(bottom=0)
    above.legend(loc="upper left")
    below.plot(seconds, [sample["p50"] for sample in load], color="#2ca02c", label="p50")
    below.plot(seconds, [sample["p95"] for sample in load], color="#ff7f0e", label="p95")
    below.set_ylabel("latency, ms (last 10 s)")
    below.set_xlabel("seconds; everything shares two cores, so more pods are not more speed here")
    below.set_ylim(bottom=0)
    below.legend(loc="upper left")
    for axis in (above, below):
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
