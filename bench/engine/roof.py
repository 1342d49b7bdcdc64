"""The machine's roofs, measured: matrix products by type of number, and memory."""

import time
from collections.abc import Callable

import numpy as np
import torch

from serving.cpus import count_cpus

SIDE = 2048


def measure_roofs() -> dict[str, float]:
    """Measure 1e9 operations a second of fp32, bf16, int8, and `memory` in GB/s: the best of 5.

    A multiplication and its addition are two operations. Matrix products are oneDNN's,
    2048x2048; memory is a copy of 256 MB, read and written.
    """
    torch.set_num_threads(count_cpus())
    a = torch.rand(SIDE, SIDE)
    half = a.bfloat16()
    integers = torch.randint(-127, 127, (SIDE, SIDE), dtype=torch.int8)
    big = np.ones(32_000_000)  # 256 MB
    other = np.empty_like(big)
    product = 2 * SIDE**3 / 1e9
    return {
        "fp32": product / time_best(lambda: a @ a),
        "bf16": product / time_best(lambda: half @ half),
        "int8": product / time_best(lambda: torch._int_mm(integers, integers)),
        "memory": 2 * big.nbytes / 1e9 / time_best(lambda: np.copyto(other, big)),
    }


def time_best(work: Callable[[], object], times: int = 5) -> float:
    """Return the seconds of the fastest of some runs."""
    work()
    best = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return best


if __name__ == "__main__":
    for name, value in measure_roofs().items():
        print(f"{name}: {value:.0f} {'GB/s' if name == 'memory' else 'GFLOP/s'}")
