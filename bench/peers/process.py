"""One server of the table as processes: started, watched and ended with all that they start."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.peers.table import OUT, Server
from bench.usage import read_cpu, read_pss
from tools.processes import ROOT, find_free_ports

PORTS = ("rest", "grpc", "predictor_rest", "predictor_grpc", "metrics")
ENDED = "It ended at its start"
MARK = "PEERS_RUN"  # in the environment of all that a server starts


@dataclass(slots=True)
class Running:
    """A server that was started, and the ports it was given."""

    server: Server
    ports: dict[str, int]
    processes: list[subprocess.Popen]
    log: Path
    mark: str
    begun: float

    def find_pids(self) -> list[int]:
        """Find every process of the server: of its sessions, marked, or a child of those."""
        sessions = {process.pid for process in self.processes}
        found, parents = set(), {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                pid = int(entry.name)
                parents[pid] = int(fields[1])
                marked = f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes()
                if int(fields[3]) in sessions or marked:
                    found.add(pid)
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return sorted(found)

    def read_cpu(self) -> float:
        """Read the processor seconds of all its processes, their ended children included."""
        total = 0.0
        for pid in self.find_pids():
            with contextlib.suppress(OSError):
                total += read_cpu(pid, children=True)
        return total

    def read_pss(self) -> float:
        """Read the memory of all its processes in MB, what they share counted once."""
        total = 0.0
        for pid in self.find_pids():
            with contextlib.suppress(OSError):
                total += read_pss(pid)
        return total

    def tell_end(self) -> str | None:
        """Say with the end of its log that a process has ended; None while all run."""
        if all(process.poll() is None for process in self.processes):
            return None
        lines = self.log.read_text(errors="replace").splitlines()
        said = [line.strip() for line in lines if ("Error" in line or "Exception" in line)]
        return f"{ENDED}: {said[-1][:160] if said else 'without a word'}"

    def stop(self, seconds: float = 10) -> None:
        """End it in the order of its processes backwards, then all that is left of it."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        wait_until(lambda: not self.find_pids(), seconds)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.find_pids():
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
            if wait_until(lambda: not self.find_pids(), 5):
                break
        for process in self.processes:
            process.wait()


def read_resident(pids: list[int]) -> float:
    """Read the MB in memory: unlike PSS at once, also while a process takes more and more."""
    pages = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def kill(pids: list[int]) -> None:
    """End processes at once."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait until it is so; tells whether it came to be."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@contextlib.contextmanager
def run_server(server: Server, detector: str) -> Iterator[Running]:
    """Start a server and end it with the block; it may not be ready yet."""
    ports = dict(zip(PORTS, find_free_ports(len(PORTS)), strict=True))
    log = OUT / "logs" / f"{server.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    settings = {key: value.format(**ports) for key, value in server.settings.items()}
    detectors = {"LANDMARKS_DETECTOR": detector, "PEERS_DETECTOR": detector}
    environment = {
        **{key: value for key, value in os.environ.items() if "proxy" not in key.lower()},
        "PYTHONPATH": str(ROOT),
        "LANDMARKS_HOST": "localhost",
        MARK: mark,
        **detectors,
        **settings,
    }
    begun = time.perf_counter()
    processes: list[subprocess.Popen] = []
    with log.open("w") as sink:
        for command in server.commands:
            processes.append(
                subprocess.Popen(
                    [part.format(**ports) for part in command],
                    cwd=ROOT,
                    env=environment,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
    running = Running(server, ports, processes, log, mark, begun)
    try:
        yield running
    finally:
        running.stop()
