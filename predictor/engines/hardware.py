"""What the machine's CPU can, and whether there is a GPU."""

from pathlib import Path

BF16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})  # as Linux names them
NVIDIA = Path("/proc/driver/nvidia/version")  # there while the driver is loaded


def list_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """List the CPU's features as Linux names them; empty where there is no /proc."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    found = (line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, "").split())


def has_bf16() -> bool:
    return not BF16.isdisjoint(list_features())


def has_gpu() -> bool:
    return NVIDIA.exists()
