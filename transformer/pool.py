"""The workers: a few threads that requests share, a picture at a time and in turns."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from serving.errors import InvalidImage, Overloaded, TooLarge
from serving.telemetry import metrics
from serving.telemetry.stages import Stage, Timings, measure_stage

In = TypeVar("In")
Out = TypeVar("Out")

SPARE = 4  # times what a picture takes a worker: left of a request's time for that and what follows


class WorkerPool:
    """Runs blocking work off the event loop. All methods run on the loop."""

    def __init__(self, workers: int, max_pending: int):
        self.workers = workers
        self.max_pending = max_pending
        self.pending = 0  # pictures waiting or being worked on
        self.waiting = 0  # pictures whose turn it is not yet
        self.seconds = 0.0  # that a picture takes a worker, smoothed
        self.threads = ThreadPoolExecutor(workers, thread_name_prefix="faces")
        start_threads(self.threads, workers)  # now: later there might be no room for one
        self.turns = asyncio.Semaphore(workers)  # first come, first served

    async def run_all(
        self,
        work: Callable[[In], Out],
        items: Sequence[In],
        timings: Timings,
        deadline: float = math.inf,
    ) -> list[Out]:
        """Work on all items of one request; the first failure ends the rest and is raised.

        No request has more items in the line than there are workers, so one with many
        pictures does not hold up one with a single picture. Raises Overloaded or TooLarge at
        once when too many pictures are waiting, or more than go through by the deadline. How
        long items wait is added to `timings`.
        """
        if len(items) > self.max_pending:
            raise TooLarge(f"{len(items)} pictures never fit into the line of {self.max_pending}.")
        late = self.expect_all() > deadline - time.monotonic()
        if late or self.pending + len(items) > self.max_pending:
            raise self.refuse()
        self.count_pending(len(items))
        try:
            if len(items) == 1:
                return [await self.run(work, items[0], timings, deadline)]
            return await self.run_lanes(work, items, timings, deadline)
        finally:
            self.count_pending(-len(items))

    async def run_lanes(
        self, work: Callable[[In], Out], items: Sequence[In], timings: Timings, deadline: float
    ) -> list[Out]:
        """Work on items in as many lanes as there are workers."""
        results: dict[int, Out] = {}
        left = iter(enumerate(items))

        async def run_lane() -> None:
            for i, item in left:
                try:
                    results[i] = await self.run(work, item, timings, deadline)
                except (InvalidImage, TooLarge) as error:  # say which of them is bad
                    sentence = f"Picture {i} (counted from 0): {error.message}"
                    raise type(error)(sentence) from None

        lanes = [asyncio.ensure_future(run_lane()) for _ in range(min(self.workers, len(items)))]
        try:
            await asyncio.gather(*lanes)
        finally:
            for lane in lanes:
                lane.cancel()
        return [results[i] for i in range(len(items))]

    async def run(
        self, work: Callable[[In], Out], item: In, timings: Timings, deadline: float
    ) -> Out:
        """Work on one item when it is its turn. Raises Overloaded where that comes too late."""
        self.waiting += 1
        try:
            with measure_stage(timings, Stage.WAIT):
                await self.take_turn(deadline - time.monotonic() - SPARE * self.seconds)
        finally:
            self.waiting -= 1
        loop, begun = asyncio.get_running_loop(), time.monotonic()
        try:  # with the context the thread knows the request, for the spans of its stages
            future = self.threads.submit(copy_context().run, work, item)
        except BaseException:
            self.turns.release()
            raise

        def end_turn(_: Future) -> None:  # also when the caller has left: the thread was busy
            loop.call_soon_threadsafe(self.turns.release)

        future.add_done_callback(end_turn)
        result = await asyncio.wrap_future(future)
        seconds = time.monotonic() - begun
        self.seconds += (seconds - self.seconds) / 8 if self.seconds else seconds
        return result

    async def take_turn(self, seconds: float) -> None:
        """Wait for a turn. Raises Overloaded after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self.turns.acquire()
        except TimeoutError:
            raise self.refuse() from None

    def refuse(self) -> Overloaded:
        """Make the error that tells when to come back."""
        line = f"{self.pending} of {self.max_pending} pictures"
        return Overloaded(f"The line is full, or too long: {line}.", self.expect_all())

    def expect_all(self) -> float:
        """Return the seconds in which all pictures that are there are through."""
        return self.seconds * self.pending / self.workers

    def expect(self, pictures: int) -> float:
        """Return the seconds in which so many waiting pictures are through; 0 where fewer wait."""
        enough = 0 < pictures <= self.waiting
        return (pictures + self.workers) * self.seconds / self.workers if enough else 0.0

    def count_pending(self, items: int) -> None:
        self.pending += items
        metrics.PENDING.set(self.pending)

    async def close(self) -> None:
        """End the threads once their work is over."""
        await asyncio.to_thread(self.threads.shutdown)


def start_threads(threads: ThreadPoolExecutor, count: int) -> None:
    """Start the threads of a pool; raises RuntimeError where the system has no room for them."""
    met = threading.Barrier(count + 1)
    try:
        for _ in range(count):
            threads.submit(met.wait)
        met.wait()
    except RuntimeError as error:
        met.abort()
        raise RuntimeError(f"{count} threads cannot be started ({error}).") from None
