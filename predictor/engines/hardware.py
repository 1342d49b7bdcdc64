"""What the machine's CPU is and can."""

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
