"""What a process or a call has used."""

import time
from collections.abc import Callable, Sequence

import psutil


def read_cpu(pid: int) -> float:
    """Return the processor seconds of a process."""
    return sum(psutil.Process(pid).cpu_times()[:2])


def read_pss(pid: int) -> float:
    """Return the memory of a process in MiB, of shared pages its share."""
    return psutil.Process(pid).memory_full_info().pss / 2**20


def time_in_turns(
    runs: Sequence[Callable[[], object]], rounds: int, warm: int = 1
) -> list[list[float]]:
    """Return the processor milliseconds of calls made one after the other, round by round.

    So a slow moment of the machine hits all of them. The first `warm` rounds don't count.
    """
    times: list[list[float]] = [[] for _ in runs]
    for turn in range(warm + rounds):
        for run, taken in zip(runs, times, strict=True):
            begun = time.process_time()
            run()
            if turn >= warm:
                taken.append((time.process_time() - begun) * 1e3)
    return times
