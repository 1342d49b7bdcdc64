"""What the machine offers: CPU features, and how many CPUs this container may use."""

import math
import os
import platform
from pathlib import Path

INT8 = ("avx512_vnni", "avx_vnni", "amx_int8", "i8mm")  # any of these multiplies bytes fast
BF16 = ("avx512_bf16", "amx_bf16", "bf16")


def list_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """List the CPU's features as Linux names them; empty where there is no /proc."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    found = (line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, "").split())


def name_cpu(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Name the CPU's model, for manifests and reports."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def count_cpus(cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the CPUs that this process may use: its affinity, and the cgroup's limit.

    A container with 2 CPUs on a node of 64 sees all 64, and 64 threads on 2 CPUs
    wait for each other; so cgroup v2's and v1's quota count, rounded up.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = read_quota(cgroups)
    cpus = affinity or 1
    return max(1, min(cpus, math.ceil(quota))) if quota else cpus


def read_quota(cgroups: Path) -> float | None:
    """Read the CPUs that the cgroup may use, None for no limit."""
    try:  # v2
        quota, period = (cgroups / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:  # v1
        quota_us = int((cgroups / "cpu/cpu.cfs_quota_us").read_text())
        period_us = int((cgroups / "cpu/cpu.cfs_period_us").read_text())
        return quota_us / period_us if quota_us > 0 else None
    except (OSError, ValueError):
        return None
