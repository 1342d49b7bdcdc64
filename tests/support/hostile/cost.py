"""What a request costs a server: memory by the kernel's own count, and the wait of others."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.cpus import count_cpus
from tests.support.environment import SOAK

# In a process of its own, whose work delays no asking: one line an answer, begun, seconds, port.
PROBE = """
import http.client, sys, time
connections = [http.client.HTTPConnection("127.0.0.1", port, 60) for port in sys.argv[1:]]
while True:
    for connection in connections:
        begun = time.monotonic()
        connection.request("GET", "/v2/health/live")
        connection.getresponse().read()
        print(begun, time.monotonic() - begun, connection.port, flush=True)
    time.sleep(0.005)
"""
MEGABYTE = 2**20


def read_memory(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{pid} has no {name}")


def count_patience() -> float:
    """Return the seconds that a probe may wait, more on a machine that is busy already.

    The goal is 0.15, which `make soak` has; elsewhere others' work must not look like ours.
    """
    return (1.0 if SOAK == 1 else 0.15) * max(1.0, os.getloadavg()[0] / count_cpus())


class Meter:
    def __init__(self, pids: list[int], ports: list[int]):
        self.pids = pids
        command = [sys.executable, "-c", PROBE, *map(str, ports)]
        # A pipe would fill, and the probe wait.
        self.told = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(command, stdout=self.told)
        self.growth = 0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Measure the growth at the peak over what it was, the largest of the processes."""
        before = [read_memory(pid, "VmRSS") for pid in self.pids]
        for pid in self.pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
        yield
        peaks = [read_memory(pid, "VmHWM") for pid in self.pids]
        self.growth = max(peak - start for peak, start in zip(peaks, before, strict=True))

    def stop(self) -> list[tuple[float, float, int]]:
        """Stop; return when each answer was asked for, its seconds and port."""
        time.sleep(0.1)
        self.process.terminate()
        self.process.wait()
        self.told.seek(0)
        lines = [line.split() for line in self.told if line.endswith("\n")]
        self.told.close()
        return [(float(begun), float(seconds), int(port)) for begun, seconds, port in lines]
