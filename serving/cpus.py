"""How many processors this process may use, container limits included."""

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def count_cpus(root: Path = CGROUPS) -> int:
    """Count the processors: those it may run on, or fewer where a CPU quota says so.

    A container with 2 CPUs on a node of 64 sees all 64, and 64 threads on 2 CPUs wait
    for each other; so the quota of cgroup v2 or v1 counts, rounded up.
    """
    quota = read_quota(root)
    has_affinity = hasattr(os, "sched_getaffinity")  # Linux alone has
    allowed = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def read_quota(root: Path) -> float | None:
    """Read the container's CPU quota, in processors, from cgroup v2 or v1; None is no limit."""
    try:
        if (root / "cpu.max").is_file():
            quota, period = (root / "cpu.max").read_text().split()
        else:
            quota = (root / "cpu/cpu.cfs_quota_us").read_text()
            period = (root / "cpu/cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):  # no cgroups here, or the quota is "max"
        return None
