"""Dynamic batching: faces of all callers share runs of one network.

An idle engine starts at once; while it runs, the next batch gathers.
"""

import asyncio
import time
from collections import deque
from concurrent.futures import Executor
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from predictor.decode import Floats
from predictor.engines.base import Engine, FaceArray
from predictor.job import Arrays, Job, Run
from serving.errors import DeadlineExceeded, Overloaded, ServingError, TooLarge, to_answer
from serving.telemetry import metrics
from serving.telemetry.logs import logger
from serving.telemetry.stages import Timings

Slice = tuple[Job, int, int]  # a job, its first face in a run and the end


class Batcher:
    """Feeds a network's engine from a bounded queue.

    All methods run on the event loop, the engine on a thread of the executor.
    """

    def __init__(self, engine: Engine, threads: Executor, max_queued: int, max_batch: int = 0):
        self.engine = engine
        self.threads = threads
        self.max_queued = max_queued  # faces
        self.max_batch = max_batch or engine.max_batch
        self.jobs: deque[Job] = deque()
        self.queued = 0  # faces
        self.runs = 0
        self.run_seconds = 0.0  # how long a run takes, smoothed
        self.running = False
        self.over: asyncio.Future[None] | None = None  # the end of the run, for close()
        self.start: asyncio.Handle | None = None  # of the next look at the queue

    async def submit(
        self, faces: FaceArray, deadline: float, heatmaps: bool = False
    ) -> tuple[Arrays, Timings]:
        """Answer faces `[n,1,S,S]` in order: arrays of n rows, and seconds of each stage.

        Raises Overloaded or TooLarge at once when the queue is full, DeadlineExceeded when the
        answer could not be there in time. A caller that is cancelled is forgotten.
        """
        if len(faces) > self.max_queued:
            raise TooLarge(f"{len(faces)} faces never fit into the queue of {self.max_queued}.")
        if self.queued + len(faces) > self.max_queued:
            wait = self.run_seconds * self.queued / self.max_batch
            raise Overloaded(f"The queue is full: {self.queued} of {self.max_queued} faces.", wait)
        job = Job(faces, heatmaps, deadline, asyncio.get_running_loop().create_future())
        self.jobs.append(job)
        self.count_queue(len(faces))
        self.plan_start()
        try:
            return await job.future, job.timings
        except asyncio.CancelledError:
            self.drop_job(job)  # at once: a queue full of the gone would refuse the living
            raise
        finally:
            job.write_spans()

    def plan_start(self) -> None:
        """Look at the queue once all that has just come in is in it."""
        if self.start is None and not self.running:
            self.start = asyncio.get_running_loop().call_soon(self.start_run)

    def start_run(self) -> None:
        """Start a run if there are faces."""
        self.start = None
        if batch := self.take_batch():
            self.run_batch(batch)

    def take_batch(self) -> list[Slice]:
        """Take faces for one run, in the order of their arrival.

        While others wait a job gets at most half a run, then it goes to the end of the
        queue: many faces never hold up a single one for long. Jobs whose time is up are
        refused here, before any work.
        """
        self.refuse_late()
        if not self.jobs:
            return []
        kind = self.jobs[0].kind
        # No more than fill a run, and one to see that others wait: the queue may be long.
        mine = deque(islice((job for job in self.jobs if job.kind == kind), self.max_batch + 1))
        room, batch = self.max_batch, []
        while room and mine:
            job = mine.popleft()
            share = max(1, self.max_batch // 2) if mine else room
            first, end = job.taken, min(len(job.faces), job.taken + min(share, room))
            batch.append((job, first, end))
            job.taken = end
            room -= end - first
            self.jobs.remove(job)
            if end < len(job.faces):
                self.jobs.append(job)
                mine.append(job)  # there may be room for more of it
        self.count_queue(room - self.max_batch)
        return batch

    def refuse_late(self) -> None:
        """Refuse the jobs that cannot be answered in time."""
        soonest = time.monotonic() + self.run_seconds
        for job in [job for job in self.jobs if job.deadline < soonest]:
            self.drop_job(job)
            if not job.future.done():
                job.future.set_exception(DeadlineExceeded("The faces waited too long for a run."))
            # One slow run must not make every later job look hopeless for ever.
            self.run_seconds *= 0.9

    def drop_job(self, job: Job) -> None:
        """Remove a job from the queue, if any of it is still there."""
        if job in self.jobs:
            self.jobs.remove(job)
            self.count_queue(job.taken - len(job.faces))

    def count_queue(self, faces: int) -> None:
        self.queued += faces
        metrics.QUEUED.inc(faces)

    def run_batch(self, batch: list[Slice]) -> None:
        """Run one batch in a thread, which hands its rows to finish_run."""
        run = Run(self.engine.name, sum(end - first for _, first, end in batch))
        for job, _, _ in batch:
            job.join_run(run)
        loop, heatmaps = asyncio.get_running_loop(), batch[0][0].heatmaps
        finish = partial(self.finish_run, batch, run)

        def work() -> None:
            # Back without a task and the two futures of run_in_executor: half the hand-over.
            loop.call_soon_threadsafe(finish, run_slices(self.engine, batch, heatmaps))

        self.running = True
        try:
            self.threads.submit(work)
        except RuntimeError:  # the threads have ended
            logger.exception("a run of the network could not start")
            loop.call_soon(finish, [ServingError()] * len(batch))

    def finish_run(self, batch: list[Slice], run: Run, errors: list[ServingError | None]) -> None:
        """Tell each job of a run how it ended, and let the next one start."""
        run.ended = time.perf_counter()
        self.runs += 1
        self.run_seconds += (run.ended - run.begun - self.run_seconds) / 8
        metrics.BATCH.observe(run.faces)
        for (job, first, end), error in zip(batch, errors, strict=True):
            job.end_run(end - first, error)
        self.running = False
        self.plan_start()
        if self.over is not None and not self.over.done():
            self.over.set_result(None)

    async def close(self) -> None:
        """Wait for the last run, and refuse what came too late for it."""
        while self.running:
            self.over = asyncio.get_running_loop().create_future()
            await self.over
        for job in list(self.jobs):
            self.drop_job(job)
            if not job.future.done():
                job.future.set_exception(ServingError("The model was unloaded."))


def run_slices(engine: Engine, batch: list[Slice], heatmaps: bool) -> list[ServingError | None]:
    """Run all slices as one batch, and store each job's rows; say how each slice ended.

    If that fails, each is run alone, so that only the bad one fails.
    """
    parts = [job.faces[first:end] for job, first, end in batch]
    try:
        faces: NDArray = np.concatenate(parts) if len(parts) > 1 else parts[0]
        arrays = run_engine(engine, faces, heatmaps)
        start = 0
        for (job, first, _), part in zip(batch, parts, strict=True):
            job.store_rows(first, tuple(array[start : start + len(part)] for array in arrays))
            start += len(part)
    except Exception as error:
        if len(batch) > 1:
            return [run_slices(engine, [piece], heatmaps)[0] for piece in batch]
        logger.exception("a run of the network failed")
        return [to_answer(error)]
    return [None] * len(batch)


def run_engine(engine: Engine, faces: FaceArray, heatmaps: bool) -> Arrays:
    """Run one batch: landmarks `[n,K,2]`, scores `[n,K]`, heatmaps `[n,K,S,S]` if asked."""
    if not heatmaps:
        return engine.predict(faces)
    maps: Floats = engine.run(faces)
    return *engine.reader.read_points(maps, engine.size), maps
