"""One server as processes, started, checked, loaded and ended with all that it started."""

import asyncio
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import uvloop

from bench.dataplane.load import RestCaller, ask_in_turn
from bench.machine import time_product
from bench.peers.table import OUT, Ask, Server, Work
from tools.processes import ROOT, find_free_ports

PORTS = ("rest", "grpc", "predictor_rest", "predictor_grpc", "metrics")
MARK = "PEERS_RUN"  # in the environment of all that a server starts
START_SECONDS, WARM = 60.0, 0.4
Works = dict[str, Work]
CALM, CALM_SECONDS, TRIES = 1.4, 60.0, 3  # times the fastest product of matrices of this run
fastest = time_product()


@dataclass(slots=True)
class Running:
    """A server that was started: its ports and what finds its processes."""

    ports: dict[str, int]
    mark: str

    def find_processes(self) -> list[psutil.Process]:
        """Find every process of the server, whatever session it made for itself."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark:
                    found.append(process)
        return found

    def read_cpu(self) -> float:
        """Read the processor seconds of all its processes, their ended children included."""
        return sum(sum(process.cpu_times()[:4]) for process in self.find_processes())

    def read_pss(self) -> float:
        """Read the memory of all its processes in MB, what they share counted once."""
        return sum(p.memory_full_info().pss for p in self.find_processes()) / 2**20

    def stop(self) -> None:
        for end in (psutil.Process.terminate, psutil.Process.kill):
            processes = self.find_processes()
            for process in reversed(processes):
                with contextlib.suppress(psutil.Error):
                    end(process)
            psutil.wait_procs(processes, timeout=10)


@contextlib.contextmanager
def run_server(server: Server, detector: str) -> Iterator[Running]:
    """Start a server and end it with the block; it may not be ready yet."""
    ports = dict(zip(PORTS, find_free_ports(len(PORTS)), strict=True))
    running = Running(ports, f"{os.getpid()}-{time.monotonic_ns()}")
    log = OUT / "logs" / f"{server.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **{key: value for key, value in os.environ.items() if "proxy" not in key.lower()},
        **{key: value.format(**ports) for key, value in server.settings.items()},
        "PYTHONPATH": str(ROOT),
        "LANDMARKS_HOST": "localhost",
        "LANDMARKS_DETECTOR": detector,
        MARK: running.mark,
    }
    with log.open("w") as sink:
        try:
            for command in server.commands:
                words = command.format(**ports).split()
                subprocess.Popen(
                    words, cwd=ROOT, env=environment, stdout=sink, stderr=sink, stdin=-3
                )
            yield running
        finally:
            running.stop()


def read_points(body: bytes) -> np.ndarray:
    """Read the landmarks of a response in any peer's form: `[F,K,2]`."""
    content = json.loads(body)
    if isinstance(content, dict) and "outputs" in content:
        output = next(entry for entry in content["outputs"] if entry["name"] == "landmarks")
        values = [np.nan if v is None or v == "NaN" else v for v in output["data"]]
        points = np.array(values, float).reshape(-1, output["shape"][-2], 2)
        return points[np.isfinite(points).all(axis=(1, 2))]  # pytriton fills up with NaN
    return np.array(content["landmarks"] if isinstance(content, dict) else content, float)


def is_among(points: np.ndarray, wanted: np.ndarray, near: float) -> bool:
    """Whether faces `[F,K,2]` hold each wanted one, and perhaps more: cv2's on 12 megapixels do."""
    apart = np.abs(points[:, None] - wanted[None]).max(axis=(2, 3))  # [F, wanted]
    return bool(len(points)) and apart.min(axis=0).max() < near


async def wait_right(
    running: Running, ask: Ask, work: Work, wanted: np.ndarray | None
) -> np.ndarray:
    """Ask until points come; raises ValueError where none do, or they are not where ours are."""
    caller, said = make_caller(running, ask, work), "nothing"
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        said = await caller.ask()
        if said == "200":
            points = read_points(caller.answer)
            if wanted is not None and not is_among(points, wanted, work.near):
                raise ValueError(f"{ask.path}: no face of the answer is where ours is")
            return points
        await asyncio.sleep(0.05)
    raise ValueError(f"{ask.path}: {said} {caller.answer[:120].decode(errors='replace')}")


def make_caller(running: Running, ask: Ask, work: Work) -> RestCaller:
    content, kind, more = ask.make(work.content)
    return RestCaller(running.ports[ask.port], content, kind, more, ask.path)


async def measure_cell(
    running: Running, ask: Ask, work: Work, callers: int, seconds: float
) -> dict:
    """Let so many callers ask; return speed, latency, failures and processor time per request."""
    asking = [make_caller(running, ask, work) for _ in range(callers)]
    try:
        await ask_in_turn(asking, WARM, 0, 0)
        before = running.read_cpu()
        cell = await ask_in_turn(asking, seconds, 0, 0)
        spent = running.read_cpu() - before
    finally:
        for caller in asking:
            caller.close()
    answered = cell["codes"].get("200", 0)
    return {
        "per_second": cell["per_second"],
        "p50": cell["ms"].get("p50"),
        "p99": cell["ms"].get("p99"),
        "cpu_ms": round(1000 * spent / answered, 2) if answered else None,
        "failed": sum(cell["codes"].values()) - answered,
    }


def is_calm() -> bool:
    """Whether the machine has its own speed now, which a shared host takes for minutes."""
    global fastest
    fastest = min(fastest, now := time_product())
    return now < CALM * fastest


async def measure_calmly(
    running: Running, ask: Ask, work: Work, callers: int, seconds: float
) -> dict:
    """Measure a cell while the machine is calm before and after; `noisy` where it never was."""
    for _ in range(TRIES):
        until = time.monotonic() + CALM_SECONDS
        while not is_calm() and time.monotonic() < until:
            await asyncio.sleep(1)
        cell = await measure_cell(running, ask, work, callers, seconds)
        if is_calm():
            return cell
    return cell | {"noisy": True}


async def measure(
    running: Running, server: Server, works: Works, levels: list[int], seconds: float, wanted: dict
) -> dict:
    """Measure every cell of a server; the points of the first one are `wanted` of the others."""
    begun, found = time.perf_counter(), dict[str, dict]()
    for name, work in works.items():
        ask = getattr(server, work.ask)
        points = await wait_right(running, ask, work, wanted.get(name))
        wanted.setdefault(name, points)
        found.setdefault("start", {"s": round(time.perf_counter() - begun, 2)})
        found[name] = {
            str(callers): await measure_calmly(running, ask, work, callers, seconds)
            for callers in levels
        }
    return found | {"memory": {"pss_mb": round(running.read_pss())}}


def measure_server(server: Server, detector: str, *how: Any) -> dict:
    """Start a server and measure it; `problem` says why nothing was measured."""
    try:
        with (
            run_server(server, detector) as running,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            return runner.run(measure(running, server, *how))
    except (ValueError, KeyError, OSError) as error:
        return {"problem": str(error)}
