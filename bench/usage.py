"""What a process or a call has used, as the kernel counts it."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def read_cpu(pid: int, children: bool = False) -> float:
    """Return the processor seconds of a process, those of its ended children included or not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if children else 13])) / os.sysconf("SC_CLK_TCK")


def read_pss(pid: int) -> float:
    """Return the memory of a process in MiB, of shared pages its share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("\nPss:")[2].split()[0]) / 1024


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
