"""Medians over the rounds, and which row of a table is the best."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

WORKLOADS = {
    "face": "A face of 96x96, UINT8, over REST",
    "face-grpc": "The same over gRPC",
    "picture": "A JPEG of 640x480, one face",
    "group": "A JPEG of 8 faces",
    "pictures": "16 pictures of one face in a request",
}
FACES = {"face": 1, "face-grpc": 1, "picture": 1, "group": 8, "pictures": 16}


@dataclass(frozen=True, slots=True)
class Cell:
    """A server's medians at one level of callers."""

    per_second: float
    p50: float
    p99: float
    cpu_ms: float
    failed: int
    spread: float  # of the rounds' requests a second: most less least over the median


def find_cell(rows: Iterable[dict], workload: str, level: str) -> Cell | None:
    """Take the medians of a cell over all rounds that have it."""
    cells = [row.get("cells", {}).get(workload, {}).get(level) for row in rows]
    kept = [cell for cell in cells if cell and cell.get("cpu_ms") is not None]
    if not kept:
        return None
    speeds = [cell["per_second"] for cell in kept]
    middle = statistics.median(speeds)
    p50, p99, cpu = (statistics.median(c[name] for c in kept) for name in ("p50", "p99", "cpu_ms"))
    spread = (max(speeds) - min(speeds)) / middle if middle else 0.0
    return Cell(middle, p50, p99, cpu, sum(cell["failed"] for cell in kept), spread)


def find_levels(rounds: dict[str, list[dict]], workload: str) -> list[str]:
    """List the levels of callers that a workload was measured at."""
    levels: set[str] = set()
    for rows in rounds.values():
        for row in rows:
            found = row.get("cells", {}).get(workload, {})
            levels |= {key for key in found if str(key).isdecimal()}
    return sorted(levels, key=int)


def find_median(rows: Iterable[dict], *path: str) -> float | None:
    """Take the median of a figure that each round has once."""
    values = []
    for row in rows:
        value: object = row
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, int | float):
            values.append(value)
    return statistics.median(values) if values else None


def find_problem(rows: Iterable[dict], workload: str = "") -> str:
    """Say why a server has no figures at all, or none of a workload."""
    for row in rows:
        if "problem" in row:
            return row["problem"]
        if problem := row.get("cells", {}).get(workload, {}).get("problem"):
            return problem
    return ""
