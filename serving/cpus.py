"""How many processors this process may use, container limits included."""

import contextlib
import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")  # which of them this process is in


def count_cpus(root: Path = CGROUPS, own: Path = OWN) -> int:
    """Count the processors: those it may run on, or fewer where a CPU quota says so.

    A container with 2 CPUs on a node of 64 sees all 64, and 64 threads on 2 CPUs wait
    for each other; so the least quota of cgroup v2 or v1 counts, rounded up.
    """
    has_affinity = hasattr(os, "sched_getaffinity")  # Linux alone has
    allowed = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, min([allowed, *(math.ceil(quota) for quota in read_quotas(root, own))]))


def read_quotas(root: Path, own: Path) -> list[float]:
    """Read the CPU quotas, in processors, of this process's cgroup and of those it lies in.

    In a container its own is the root; under systemd, or with the host's cgroups, it lies deeper.
    """
    place, texts = "", []
    with contextlib.suppress(OSError):
        lines = own.read_text().splitlines()
        place = next((line[3:].strip("/") for line in lines if line.startswith("0::")), "")
    for folder in (root / place, *(root / place).parents):
        if folder.is_relative_to(root):
            with contextlib.suppress(OSError):
                texts.append((folder / "cpu.max").read_text())
    with contextlib.suppress(OSError):  # v1, whose container is the root
        names = ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")
        texts.append(" ".join((root / name).read_text().strip() for name in names))
    pairs = [text.split() for text in texts]
    return [
        int(pair[0]) / int(pair[1]) for pair in pairs if len(pair) == 2 and "".join(pair).isdigit()
    ]
