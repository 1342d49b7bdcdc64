"""A crowd is answered by lanes side by side, who comes alone by the engine with all threads."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from predictor.batcher import Batcher
from predictor.engines import Engine, load_engine
from serving.errors import ServingError
from tests.predictor.fake_engine import FakeEngine, ask
from tests.support.guarding import guards


class Counter:
    """Counts who is at work at once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.now: list[str] = []
        self.seen: set[tuple[str, ...]] = set()

    def wrap(self, engine: FakeEngine, name: str) -> FakeEngine:
        locate = engine.predict

        def counted(faces):
            with self.lock:
                self.now.append(name)
                self.seen.add(tuple(sorted(self.now)))
            try:
                return locate(faces)
            finally:
                with self.lock:
                    self.now.remove(name)

        engine.predict = counted  # type: ignore[method-assign]
        return engine


def make_lanes(counter: Counter, seconds: float = 0.01) -> list[FakeEngine]:
    lanes = [counter.wrap(FakeEngine(seconds), "lane") for _ in range(2)]
    for lane in lanes:
        lane.max_batch = 4
    return lanes


async def crowd(batcher: Batcher, faces: int = 64) -> None:
    numbers = [n % 200 for n in range(faces)]
    async with asyncio.timeout(30):
        assert await asyncio.gather(*(ask(batcher, n) for n in numbers)) == [[n] for n in numbers]


@guards(
    "predictor/crew.py",
    "if self.lane_runs or (crowd and not self.whole_runs and self.lanes):",
    becomes="if crowd and self.lanes:",
    name="lanes and the engine of all threads are never at work together",
)
async def test_a_crowd_goes_to_lanes_and_one_face_to_all_threads():
    counter = Counter()
    whole = counter.wrap(FakeEngine(0.002), "whole")
    lanes = make_lanes(counter)
    batcher = Batcher(whole, ThreadPoolExecutor(1), 4096, make_lanes=lambda: lanes)
    await crowd(batcher)
    assert batcher.crew.making is not None
    await batcher.crew.making
    for lane in lanes:
        lane.batches.clear()
    whole.batches.clear()
    await crowd(batcher, 60)
    assert all(lane.batches for lane in lanes)
    assert sum(whole.batches) <= whole.max_batch  # the last ones, once nobody waited behind them
    whole.batches.clear()
    assert max(max(lane.batches) for lane in lanes) == 4
    assert await ask(batcher, 5) == [5]
    assert whole.batches == [1]
    assert (
        counter.seen <= {("whole",), ("lane",), ("lane", "lane")}
        and ("lane", "lane") in counter.seen
    )
    await batcher.close()


async def test_many_faces_of_one_call_come_back_in_order_from_the_lanes():
    counter = Counter()
    lanes = make_lanes(counter, 0.0)
    batcher = Batcher(FakeEngine(), ThreadPoolExecutor(1), 4096, make_lanes=lambda: lanes)
    numbers = [n % 200 for n in range(250)]
    for _ in range(3):
        assert await ask(batcher, *numbers) == numbers
        assert batcher.crew.making is not None
        await batcher.crew.making
    assert all(lane.batches for lane in lanes)
    await batcher.close()


@pytest.mark.parametrize("broken", [True, False])
async def test_without_lanes_all_goes_on_as_before(broken, caplog):
    def make() -> list[Engine]:
        if broken:
            raise RuntimeError("no memory for it")
        return []

    batcher = Batcher(FakeEngine(), ThreadPoolExecutor(1), 4096, make_lanes=make)
    for _ in range(2):
        await crowd(batcher)
    assert ("could not be made" in caplog.text) is broken
    await batcher.close()


async def test_late_faces_leave_the_lanes_free():
    counter = Counter()
    lanes = make_lanes(counter, 0.0)
    batcher = Batcher(FakeEngine(), ThreadPoolExecutor(1), 4096, make_lanes=lambda: lanes)
    await crowd(batcher)
    assert batcher.crew.making is not None
    await batcher.crew.making
    late = [ask(batcher, 1, seconds=-1.0) for _ in range(40)]
    results = await asyncio.gather(*late, return_exceptions=True)
    assert all(isinstance(result, ServingError) for result in results)
    assert len(batcher.crew.lanes) == 2 and batcher.crew.lane_runs == 0
    await crowd(batcher)
    await batcher.close()


async def test_a_closed_batcher_waits_for_its_lanes():
    counter = Counter()
    lanes = make_lanes(counter, 0.05)
    batcher = Batcher(FakeEngine(), ThreadPoolExecutor(1), 4096, make_lanes=lambda: lanes)
    await crowd(batcher, 20)
    assert batcher.crew.making is not None
    await batcher.crew.making
    under_way = [asyncio.create_task(ask(batcher, n)) for n in range(40)]
    await asyncio.sleep(0.02)
    begun = time.monotonic()
    async with asyncio.timeout(10):
        await batcher.close()
        results = await asyncio.gather(*under_way, return_exceptions=True)
    assert time.monotonic() - begun > 0.02
    assert not batcher.jobs and batcher.running == 0
    assert any(not isinstance(result, Exception) for result in results)


def test_lanes_of_openvino_answer_as_the_engine_does():
    engine = load_engine("openvino-int8", Path("models/simple_unet.pth"), threads=2)
    face = np.load("predictor/golden_face.npy").repeat(5, axis=0)
    lanes = engine.make_lanes()
    assert len(lanes) == 2
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda lane: lane.predict(face), lanes))
    for points, scores in found:
        np.testing.assert_allclose(points, engine.predict(face)[0], atol=0.05)
        np.testing.assert_allclose(scores, engine.predict(face)[1], atol=0.01)


def test_one_thread_has_no_lanes():
    assert (
        load_engine("openvino-int8", Path("models/simple_unet.pth"), threads=1).make_lanes() == []
    )
