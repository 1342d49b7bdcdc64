"""What the machine's CPU is and can, and whether there is a GPU."""

from dataclasses import dataclass
from pathlib import Path

NVIDIA = Path("/proc/driver/nvidia/version")  # there while the driver is loaded


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that hardware can: any one of the names shows it."""

    names: tuple[str, ...]
    says: str  # a clause for logs

    def is_in(self, found: frozenset[str]) -> bool:
        """Check whether the machine has it."""
        return not found.isdisjoint(self.names)


INT8 = Feature(("avx512_vnni", "avx_vnni", "amx_int8", "i8mm"), "the CPU multiplies bytes")
BF16 = Feature(("avx512_bf16", "amx_bf16", "bf16"), "the CPU multiplies bf16")
AMX = Feature(("amx_int8", "amx_bf16"), "the CPU multiplies tiles")
GPU = Feature(("nvidia",), "there is an NVIDIA GPU")


def list_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """List the CPU's features as Linux names them; empty where there is no /proc."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    found = (line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, "").split())


def list_hardware() -> frozenset[str]:
    """List the features of the CPU, and `nvidia` where there is such a GPU."""
    return list_features() | ({"nvidia"} if NVIDIA.exists() else frozenset())


def name_cpu(features: frozenset[str]) -> str:
    """Name the kind of CPU by which engines were measured: amx, vnni, or nothing faster."""
    if AMX.is_in(features):
        return "amx"
    return "vnni" if INT8.is_in(features) else "plain"
