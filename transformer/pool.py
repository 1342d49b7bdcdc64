"""The workers: a few threads that requests share, a picture at a time and in turns."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from serving.errors import InvalidImage, NotReady, Overloaded, TooLarge
from serving.telemetry import metrics
from serving.telemetry.stages import Stage, Timings, measure_stage

In = TypeVar("In")
Out = TypeVar("Out")


class WorkerPool:
    """Runs blocking work off the event loop. All methods run on the loop."""

    def __init__(self, workers: int, max_pending: int):
        self.workers = workers
        self.max_pending = max_pending
        self.pending = 0  # pictures waiting or being worked on
        self.threads = ThreadPoolExecutor(workers, thread_name_prefix="faces")
        self.turns = asyncio.Semaphore(workers)  # first come, first served

    async def run_all(
        self, work: Callable[[In], Out], items: Sequence[In], timings: Timings
    ) -> list[Out]:
        """Work on all items of one request; the first failure ends the rest and is raised.

        No request has more items in the line than there are workers, so one with many
        pictures does not hold up one with a single picture. Raises Overloaded at once
        when too many pictures are waiting. How long items wait is added to `timings`.
        """
        if len(items) > self.max_pending:
            raise TooLarge(f"{len(items)} pictures cannot wait at once; {self.max_pending} may.")
        if self.pending + len(items) > self.max_pending:
            raise Overloaded(f"The queue has {self.pending} of {self.max_pending} pictures.")
        self.count_pending(len(items))
        try:
            if len(items) == 1:
                return [await self.run(work, items[0], timings)]
            return await self.run_lanes(work, items, timings)
        finally:
            self.count_pending(-len(items))

    async def run_lanes(
        self, work: Callable[[In], Out], items: Sequence[In], timings: Timings
    ) -> list[Out]:
        """Work on items in as many lanes as there are workers."""
        results: dict[int, Out] = {}
        left = iter(enumerate(items))

        async def run_lane() -> None:
            for i, item in left:
                try:
                    results[i] = await self.run(work, item, timings)
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

    async def run(self, work: Callable[[In], Out], item: In, timings: Timings) -> Out:
        """Work on one item when it is its turn."""
        with measure_stage(timings, Stage.WAIT):
            await self.turns.acquire()
        loop = asyncio.get_running_loop()
        try:  # with the context the thread knows the request, for the spans of its stages
            future = self.threads.submit(copy_context().run, work, item)
        except RuntimeError as error:  # no thread can be started
            self.turns.release()
            raise NotReady("The server has no thread for the picture now.") from error

        def end_turn(_: Future) -> None:  # also when the caller has left: the thread was busy
            loop.call_soon_threadsafe(self.turns.release)

        future.add_done_callback(end_turn)
        return await asyncio.wrap_future(future)

    def count_pending(self, items: int) -> None:
        self.pending += items
        metrics.PENDING.set(self.pending)

    async def close(self) -> None:
        """End the threads once their work is over."""
        await asyncio.to_thread(self.threads.shutdown)
