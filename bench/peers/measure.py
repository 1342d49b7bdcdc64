"""One round of one server: seconds to the first answer, then each cell in turn, then memory."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import uvloop
from numpy.typing import NDArray

from bench.dataplane.load import ask_in_turn
from bench.peers.callers import Caller, Faces, make_caller, wait_right
from bench.peers.process import ENDED, Running, run_server
from bench.peers.table import Server
from loadtest.known import Known, find_stranger, make_group, make_portrait
from predictor.engines.golden import GOLDEN_FACE

WARM = 0.4  # seconds of a cell before it counts


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how wide a run is."""

    rounds: int
    seconds: float
    levels: tuple[int, ...]  # callers
    grpc: tuple[int, ...]  # callers over gRPC
    user: tuple[int, ...]  # callers of what is in comparison (b) alone
    wide: tuple[int, ...]  # callers of several faces or pictures a request
    skip: tuple[str, ...] = ()  # servers
    detector: str = ""

    def find_levels(self, server: Server, work: "Workload") -> tuple[int, ...]:
        """Return the numbers of callers that a server's workload is measured with."""
        if work.count > 1:
            return self.wide
        if server.part == "b":
            return self.user
        return self.grpc if work.name == "face-grpc" else self.levels


@dataclass(frozen=True, slots=True)
class Workload:
    """What is sent, and how an answer is told to be right."""

    name: str
    faces: Faces
    pictures: list[bytes]
    check: Callable[[NDArray], str]
    count: int  # faces in a request


def make_workloads() -> list[Workload]:
    """Make a face, a picture of one, a picture of eight, and sixteen pictures."""
    golden: Faces = np.load(GOLDEN_FACE).astype(np.uint8)  # [1, 1, 96, 96]
    portrait, group = make_portrait(640, 480), make_group()

    def check_pictures(known: Known, times: int) -> Callable[[NDArray], str]:
        assert known.eyes is not None
        eyes = known.eyes.repeat(times, axis=0)
        return lambda points: find_stranger(points, eyes)

    def check_face(points: NDArray) -> str:
        """Check for the golden face's eyes, found by eye."""
        return find_stranger(points, np.array([[[67, 34], [31, 32]]]))

    return [
        Workload("face", golden, [], check_face, 1),
        Workload("face-grpc", golden, [], check_face, 1),
        Workload("picture", golden, [portrait.content], check_pictures(portrait, 1), 1),
        Workload("group", golden, [group.content], check_pictures(group, 1), 8),
        Workload("pictures", golden, [portrait.content] * 16, check_pictures(portrait, 16), 16),
    ]


def measure_server(server: Server, plan: Plan, report: Callable[[str], None]) -> dict:
    """Start a server, measure every cell of it and end it; `problem` says why there is none."""
    if server.missing:
        return {"problem": server.missing}
    for _ in range(2):  # on a busy machine some fail to start now and then
        with (
            run_server(server, plan.detector) as running,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            found = runner.run(measure(running, plan, report))
        if not found.get("problem", "").startswith(ENDED):
            break
        report(f"{server.name}: {found['problem']}")
    return found


async def measure(running: Running, plan: Plan, report: Callable[[str], None]) -> dict:
    workloads = [work for work in make_workloads() if work.name in running.server.asks]
    first = next(work for work in workloads if work.name == "picture")
    if problem := await wait_started(running, first):
        return {"problem": problem}
    found: dict = {"start_s": round(time.perf_counter() - running.begun, 2), "cells": {}}
    for work in workloads:
        if problem := await wait_right(partial(make, running, work), work.check):
            found["cells"][work.name] = {"problem": problem}
            report(f"{running.server.name} {work.name}: {problem}")
            continue
        levels = plan.find_levels(running.server, work)
        cells = {level: await measure_cell(running, work, level, plan.seconds) for level in levels}
        found["cells"][work.name] = cells
        shown = ", ".join(f"{level}: {cell['per_second']:g}" for level, cell in cells.items())
        report(f"{running.server.name} {work.name}: requests/s {shown}")
        if work.name in ("face", "picture"):
            found.setdefault("pss_mb", {})[work.name] = round(running.read_pss())
    return found


async def wait_started(running: Running, work: Workload) -> str:
    """Wait for the first right answer; says why there is none."""
    asking = asyncio.ensure_future(wait_right(lambda: make(running, work), work.check))
    while not asking.done():
        await asyncio.wait([asking], timeout=0.5)
        if not asking.done() and (ended := running.tell_end()):
            asking.cancel()
            return ended
    return asking.result()


def make(running: Running, work: Workload) -> Caller:
    return make_caller(running, running.server.asks[work.name], work.faces, work.pictures)


async def measure_cell(running: Running, work: Workload, level: int, seconds: float) -> dict:
    """Let so many callers ask; gives speed, latency, failures and processor time a request."""
    callers = [make(running, work) for _ in range(level)]
    try:
        await ask_in_turn(callers, WARM, 0, 0)
        before = running.read_cpu()
        cell = await ask_in_turn(callers, seconds, 0, 0)
        spent = running.read_cpu() - before
    finally:
        for caller in callers:
            await caller.close()
    answered = cell["codes"].get("200", 0)
    failed = sum(cell["codes"].values()) - answered
    return {
        "per_second": cell["per_second"],
        "p50": cell["ms"].get("p50"),
        "p99": cell["ms"].get("p99"),
        "cpu_ms": round(1000 * spent / answered, 2) if answered else None,
        "answered": answered,
        "failed": failed,
        "codes": cell["codes"],
    }
