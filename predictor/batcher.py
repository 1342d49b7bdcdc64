"""Dynamic batching: faces of all callers share runs of one engine.

An idle engine starts at once; while it runs, the next batch gathers. Nothing waits
for a timer: under load batches fill by themselves, without load they gain nothing.
"""

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from predictor.decode import Floats, decode_heatmaps
from predictor.engines.base import Engine, Faces
from serving import metrics
from serving.errors import DeadlineExceeded, Overloaded, ServingError
from serving.logs import logger

Arrays = tuple[NDArray, ...]  # landmarks, scores and, when asked for, heatmaps


@dataclass(slots=True, eq=False)
class Job:
    """The faces of one request, which may be answered over several runs."""

    faces: Faces  # [n, 1, 96, 96]
    heatmaps: bool
    deadline: float  # of time.monotonic()
    future: asyncio.Future[Arrays]
    queued: float = field(default_factory=time.perf_counter)
    taken: int = 0  # faces handed to a run
    parts: list[Arrays] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> tuple[np.dtype, bool]:
        """Only jobs of one kind share a run."""
        return self.faces.dtype, self.heatmaps


class Batcher:
    """Feeds one engine from a bounded queue. All methods run on the event loop."""

    def __init__(self, engine: Engine, max_batch: int, max_queued: int):
        self.engine = engine
        self.max_batch = max_batch or engine.max_batch
        self.max_queued = max_queued
        self.jobs: deque[Job] = deque()
        self.queued = 0  # faces
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self.running: asyncio.Task | None = None
        self.run_seconds = 0.0  # how long a run takes, smoothed

    async def locate(
        self, faces: Faces, deadline: float, heatmaps: bool = False
    ) -> tuple[Arrays, dict[str, float]]:
        """Answer faces `[n,1,96,96]` in order: arrays of n rows, and seconds of each stage.

        Raises Overloaded at once when the queue is full, DeadlineExceeded when the
        answer could not be there in time. A caller that is cancelled is forgotten.
        """
        if self.queued + len(faces) > self.max_queued:
            raise Overloaded(f"{self.queued} faces wait for the network; {self.max_queued} may.")
        job = Job(faces, heatmaps, deadline, asyncio.get_running_loop().create_future())
        self.jobs.append(job)
        self.queued += len(faces)
        metrics.QUEUED.set(self.queued)
        if self.running is None:
            self.running = asyncio.create_task(self.run_jobs())
        return await job.future, job.timings

    async def run_jobs(self) -> None:
        """Run batches until no job is left."""
        try:
            while batch := self.take_batch():
                await self.run_batch(batch)
        finally:
            self.running = None

    def take_batch(self) -> list[tuple[Job, int, int]]:
        """Take faces for one run: (job, first face, end), a fair share of each job.

        Jobs whose caller left or whose time is up are dropped here, before any work.
        """
        self.drop_jobs()
        batch: list[tuple[Job, int, int]] = []
        if not self.jobs:
            return batch
        kind = self.jobs[0].kind
        mine = [job for job in self.jobs if job.kind == kind]
        room = self.max_batch
        for waiting, job in zip(range(len(mine), 0, -1), mine, strict=True):
            share = max(1, room // waiting)  # what small jobs leave goes to the later ones
            first, end = job.taken, min(len(job.faces), job.taken + share)
            batch.append((job, first, end))
            job.taken = end
            room -= end - first
            self.jobs.remove(job)
            if end < len(job.faces):
                self.jobs.append(job)  # behind those that wait longer
            if room <= 0:
                break
        self.count_queue(-sum(end - first for _, first, end in batch))
        return batch

    def drop_jobs(self) -> None:
        """Forget jobs whose caller left, and refuse those that cannot be in time."""
        soonest = time.monotonic() + self.run_seconds
        for job in list(self.jobs):
            if not job.future.done() and job.deadline < soonest:
                job.future.set_exception(DeadlineExceeded("The faces waited too long for a run."))
            if job.future.done():
                self.jobs.remove(job)
                self.count_queue(job.taken - len(job.faces))

    def count_queue(self, faces: int) -> None:
        self.queued += faces
        metrics.QUEUED.set(self.queued)

    async def run_batch(self, batch: list[tuple[Job, int, int]]) -> None:
        """Run one batch in the engine's thread and hand each job its rows."""
        begun = time.perf_counter()
        faces = [job.faces[first:end] for job, first, end in batch]
        heatmaps = batch[0][0].heatmaps
        results = await asyncio.get_running_loop().run_in_executor(
            self.thread, run_parts, self.engine, faces, heatmaps
        )
        seconds = time.perf_counter() - begun
        self.run_seconds += (seconds - self.run_seconds) / 8
        metrics.BATCH.observe(sum(map(len, faces)))
        for (job, first, _), result in zip(batch, results, strict=True):
            if job.future.done():
                continue
            if first == 0:
                job.timings["queue"] = begun - job.queued
            job.timings["infer"] = job.timings.get("infer", 0.0) + seconds
            if isinstance(result, Exception):
                job.future.set_exception(result)
                continue
            job.parts.append(result)
            if sum(len(part[0]) for part in job.parts) == len(job.faces):
                arrays = zip(*job.parts, strict=True)
                job.future.set_result(tuple(np.concatenate(rows) for rows in arrays))

    async def close(self) -> None:
        """End the engine's thread, once its run is over."""
        await asyncio.to_thread(self.thread.shutdown)


def run_parts(engine: Engine, parts: list[Faces], heatmaps: bool) -> list[Arrays | Exception]:
    """Run all parts as one batch; if that fails, each alone, so that only the bad one fails."""
    try:
        arrays = run_engine(engine, np.concatenate(parts) if len(parts) > 1 else parts[0], heatmaps)
    except Exception:
        if len(parts) > 1:
            return [run_parts(engine, [part], heatmaps)[0] for part in parts]
        logger.exception("a run of the network failed")
        return [ServingError()]
    ends = np.cumsum([len(part) for part in parts])
    return [
        tuple(array[end - len(part) : end] for array in arrays)
        for part, end in zip(parts, ends, strict=True)
    ]


def run_engine(engine: Engine, faces: Faces, heatmaps: bool) -> Arrays:
    """Run one batch: landmarks `[n,15,2]`, scores `[n,15]`, heatmaps `[n,15,96,96]` if asked."""
    if not heatmaps:
        return engine.locate(faces)
    maps: Floats = engine.run(faces)
    return *decode_heatmaps(maps, engine.logits), maps
