"""Batches form out of everyone's faces, and nobody's trouble becomes a neighbour's."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from predictor.batcher import Batcher
from predictor.engines.base import Engine
from serving.errors import DeadlineExceeded, Overloaded, ServingError
from tests.support.guarding import guards

BAD = 255  # a face that breaks the run it is in


class FakeEngine(Engine):
    """Answers with each face's own number, so that a mix-up shows; slow when told."""

    name, logits, max_batch = "fake", True, 8

    def __init__(self, seconds: float = 0.0):
        self.seconds = seconds
        self.batches: list[int] = []
        self.numbers: list[list[int]] = []  # which faces each run had
        self.gate = threading.Event()
        self.gate.set()

    def run(self, faces):
        return np.zeros((len(faces), 15, 96, 96), np.float32)

    def predict(self, faces):
        self.gate.wait(10)
        self.batches.append(len(faces))
        time.sleep(self.seconds)
        numbers = faces[:, 0, 0, 0].astype(np.float32)
        self.numbers.append(numbers.astype(int).tolist())
        if BAD in numbers:
            raise RuntimeError("a bad face")
        return np.tile(numbers[:, None, None], (1, 15, 2)), np.ones((len(faces), 15), np.float32)


def make_faces(*numbers: int, dtype=np.uint8) -> np.ndarray:
    faces = np.zeros((len(numbers), 1, 96, 96), dtype)
    faces[:, 0, 0, 0] = numbers
    return faces


def make_batcher(engine: Engine, queue: int = 4096, **settings) -> Batcher:
    return Batcher(engine, ThreadPoolExecutor(1), queue, **settings)


async def ask(batcher: Batcher, *numbers: int, seconds: float = 30.0, dtype=np.uint8) -> list[int]:
    deadline = time.monotonic() + seconds
    arrays, _ = await batcher.submit(make_faces(*numbers, dtype=dtype), deadline)
    return arrays[0][:, 0, 0].astype(int).tolist()


async def hold(batcher: Batcher, engine: FakeEngine) -> asyncio.Task:
    """Occupy the engine with one face until its gate opens."""
    engine.gate.clear()
    task = asyncio.create_task(ask(batcher, 1))
    while batcher.crew.idle:
        await asyncio.sleep(0)
    return task


async def test_faces_that_come_while_the_engine_runs_share_the_next_run():
    engine = FakeEngine()
    batcher = make_batcher(engine)
    first = await hold(batcher, engine)
    others = [asyncio.create_task(ask(batcher, n)) for n in range(6)]
    await asyncio.sleep(0.01)
    engine.gate.set()
    assert await first == [1]
    assert await asyncio.gather(*others) == [[n] for n in range(6)]
    assert engine.batches == [1, 6]


async def test_many_faces_are_answered_in_order_over_several_runs():
    engine = FakeEngine()
    numbers = [n % 200 for n in range(100)]
    assert await ask(make_batcher(engine), *numbers) == numbers
    assert max(engine.batches) == 8


@guards(
    "predictor/batcher.py",
    "share = max(1, most // 2) if mine else room",
    becomes="share = room",
    name="256 faces take half a run while others wait",
)
@guards(
    "predictor/batcher.py",
    "                self.jobs.append(job)\n",
    becomes="                self.jobs.appendleft(job)\n",
    name="256 faces go to the end of the queue after each run",
)
async def test_a_single_face_is_not_starved_by_many():
    engine = FakeEngine()
    batcher = make_batcher(engine)
    first = await hold(batcher, engine)
    big = [asyncio.create_task(ask(batcher, *[7] * 256)) for _ in range(3)]
    await asyncio.sleep(0)
    one = asyncio.create_task(ask(batcher, 9))
    await asyncio.sleep(0)
    engine.gate.set()
    assert await one == [9]
    behind = [9 in numbers for numbers in engine.numbers].index(True) - 1
    assert behind <= 1, f"it waited for {behind} runs of the others"
    await asyncio.gather(first, *big)


@guards(
    "predictor/batcher.py",
    "if self.queued + len(faces) > self.max_queued:",
    becomes="if False:",
)
async def test_a_full_queue_refuses_at_once_and_keeps_what_it_has():
    engine = FakeEngine()
    batcher = make_batcher(engine, queue=4)
    first = await hold(batcher, engine)
    waiting = asyncio.create_task(ask(batcher, 2, 3, 4))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        with pytest.raises(Overloaded, match="3 faces wait"):
            await ask(batcher, 5, 6)
    engine.gate.set()
    assert await waiting == [2, 3, 4]
    await first


@guards(
    "predictor/batcher.py",
    "self.crew.submit(lane, work)",
    becomes="work()",
)
async def test_the_loop_goes_on_while_the_network_runs():
    engine = FakeEngine()
    batcher = make_batcher(engine)
    threading.Timer(2.0, engine.gate.set).start()  # else a loop that is held up would hang here
    begun = time.perf_counter()
    first = await hold(batcher, engine)
    await asyncio.sleep(0.01)
    assert time.perf_counter() - begun < 1.0 and not first.done()
    engine.gate.set()
    assert await first == [1]


async def test_middling_jobs_are_not_cut_into_crumbs():
    engine = FakeEngine()
    batcher = make_batcher(engine)
    first = await hold(batcher, engine)
    jobs = [asyncio.create_task(ask(batcher, *[n] * 4)) for n in range(20)]
    await asyncio.sleep(0.01)
    engine.gate.set()
    await asyncio.gather(first, *jobs)
    assert engine.batches == [1] + [8] * 10


async def test_kinds_do_not_mix():
    engine = FakeEngine()
    batcher = make_batcher(engine)
    first = await hold(batcher, engine)
    bytes_, floats = ask(batcher, 2, 3), ask(batcher, 4, 5, dtype=np.float32)
    both = asyncio.gather(bytes_, floats)
    await asyncio.sleep(0.01)
    engine.gate.set()
    assert await both == [[2, 3], [4, 5]]
    assert engine.batches == [1, 2, 2]
    await first


@guards(
    "predictor/batcher.py",
    "        if len(parts) > 1:\n"
    "            return [run_parts(engine, [part], heatmaps)[0] for part in parts]\n"
    '        logger.exception("a run of the network failed")\n'
    "        return [ServingError()]",
    becomes="        return [ServingError()] * len(parts)",
)
async def test_a_thousand_bad_faces_harm_no_neighbour():
    batcher = make_batcher(FakeEngine())
    good = [ask(batcher, n % 200) for n in range(1000)]
    bad = [ask(batcher, BAD) for _ in range(1000)]
    mixed = [job for pair in zip(good, bad, strict=True) for job in pair]
    results = await asyncio.gather(*mixed, return_exceptions=True)
    assert results[0::2] == [[n % 200] for n in range(1000)]
    assert all(type(result) is ServingError for result in results[1::2])


async def test_a_thousand_cancelled_calls_harm_no_neighbour():
    batcher = make_batcher(FakeEngine(0.001))
    good, gone = [], []
    for n in range(1000):
        good.append(asyncio.create_task(ask(batcher, n % 200)))
        gone.append(asyncio.create_task(ask(batcher, 1, 2, 3)))
    for i, task in enumerate(gone):
        if i % 50 == 0:
            await asyncio.sleep(0.002)  # some are in a run already, some were answered
        task.cancel()
    async with asyncio.timeout(30):
        assert await asyncio.gather(*good) == [[n % 200] for n in range(1000)]
    await asyncio.gather(*gone, return_exceptions=True)
    assert batcher.queued == 0 and not batcher.jobs


@guards(
    "predictor/job.py",
    "        if self.future.done():\n            return\n        if isinstance",
    becomes="        if isinstance",
)
async def test_who_leaves_while_the_network_runs_does_not_stop_it():
    engine = FakeEngine()
    batcher = make_batcher(engine)
    first = await hold(batcher, engine)
    second = asyncio.create_task(ask(batcher, 2))
    first.cancel()
    await asyncio.sleep(0)
    engine.gate.set()
    async with asyncio.timeout(5):
        assert await second == [2]


@guards(
    "predictor/batcher.py",
    "            self.drop_job(job)  # at once: a queue full of the gone would refuse the living\n",
    becomes="",
)
async def test_who_leaves_makes_room_at_once():
    engine = FakeEngine()
    batcher = make_batcher(engine, queue=4)
    first = await hold(batcher, engine)
    gone = asyncio.create_task(ask(batcher, 1, 2, 3, 4))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await ask(batcher, 5)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert batcher.queued == 0
    engine.gate.set()
    assert await ask(batcher, 5) == [5]
    await first
    assert 4 not in engine.batches  # the faces of the one who left were not computed


@guards("predictor/batcher.py", "        self.refuse_late()\n", becomes="")
async def test_what_cannot_be_in_time_is_refused_and_not_computed():
    engine = FakeEngine(0.1)
    batcher = make_batcher(engine)
    for _ in range(8):
        await ask(batcher, 1)  # teaches it how long a run takes
    engine.batches.clear()
    with pytest.raises(DeadlineExceeded):
        await ask(batcher, 2, seconds=0.02)
    assert not engine.batches


@guards("predictor/batcher.py", "            self.run_seconds *= 0.9\n", becomes="")
async def test_one_slow_run_does_not_make_later_calls_hopeless():
    engine = FakeEngine()
    batcher = make_batcher(engine)
    batcher.run_seconds = 2.0
    for _ in range(60):
        try:
            assert await ask(batcher, 1, seconds=0.5) == [1]
            return
        except DeadlineExceeded:
            pass
    raise AssertionError("it never recovered")


async def test_a_closed_batcher_refuses_and_leaves_nobody_waiting():
    engine = FakeEngine()
    batcher = make_batcher(engine)
    first = await hold(batcher, engine)
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)
    engine.gate.set()
    assert await first == [1]
    await closing
