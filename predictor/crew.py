"""Which engine takes the next run: one with all threads or, in a crowd, lanes of one thread each.

Threads that share a run wait for each other at the end of each layer, busily. For faces that
come alone that is the fastest way. Where more wait than a run takes, runs side by side, a
thread each, do the same work in a tenth less of processor time.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

from predictor.engines.base import Engine
from serving.telemetry.logs import logger


class Crew:
    """Engines of one network and who of them is idle. All methods run on the event loop.

    Lanes are made when they are first wanted, by a thread: a service that never sees a
    crowd pays neither their start nor their memory.
    """

    def __init__(
        self,
        engine: Engine,
        threads: Executor,
        make_lanes: Callable[[], Sequence[Engine]] | None = None,
    ):
        self.idle = [engine]
        self.threads = threads
        self.make_lanes = make_lanes
        self.making: asyncio.Task[None] | None = None
        self.lanes: list[Engine] = []  # idle ones
        self.lane_threads: ThreadPoolExecutor | None = None
        self.whole_runs = self.lane_runs = 0  # under way

    def can_start(self) -> bool:
        """Check whether an engine is there for a run now."""
        if self.lane_runs:
            return bool(self.lanes)
        return bool(self.idle)

    def pick(self, crowd: bool) -> Engine | None:
        """Take an idle engine; lanes and engines of all threads are never at work together."""
        if crowd and self.make_lanes is not None and self.making is None:
            self.making = asyncio.ensure_future(self.add_lanes(self.make_lanes))
        if self.lane_runs or (crowd and not self.whole_runs and self.lanes):
            if not self.lanes:
                return None
            self.lane_runs += 1
            return self.lanes.pop()
        if not self.idle:
            return None
        self.whole_runs += 1
        return self.idle.pop()

    def give_back(self, engine: Engine, lane: bool) -> None:
        """Take an engine back after its run."""
        if lane:
            self.lane_runs -= 1
            self.lanes.append(engine)
        else:
            self.whole_runs -= 1
            self.idle.append(engine)

    def submit(self, lane: bool, work: Callable[[], None]) -> None:
        """Run work in a thread of its kind; raises RuntimeError where they have ended."""
        (self.lane_threads if lane and self.lane_threads else self.threads).submit(work)

    async def add_lanes(self, make: Callable[[], Sequence[Engine]]) -> None:
        try:
            lanes = await asyncio.to_thread(make)
        except Exception:  # the engine with all threads goes on as before
            logger.exception("lanes for a crowd could not be made")
            return
        if lanes:
            self.lane_threads = ThreadPoolExecutor(len(lanes), thread_name_prefix="lane")
            self.lanes = list(lanes)
            logger.info("lanes for a crowd were made", extra={"lanes": len(lanes)})

    async def close(self) -> None:
        """Give the lanes up, once no run is under way."""
        if self.making is not None:
            await self.making
        if self.lane_threads is not None:
            self.lane_threads.shutdown(wait=False)
