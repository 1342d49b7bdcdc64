"""Batches form out of everyone's faces, and nobody's trouble becomes a neighbour's."""

import asyncio
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from predictor.batcher import Batcher
from predictor.decode import Reader
from predictor.engines.base import Engine
from predictor.landmarks import DEFAULT
from serving.errors import DeadlineExceeded, Overloaded, ServingError, TooLarge

BAD = 255  # a face that breaks the run it is in


class FakeEngine(Engine):
    """Answers with each face's own number, so that a mix-up shows; slow when told."""

    name, max_batch, size, channels = "fake", 8, (96, 96), 1
    reader, landmarks = Reader(), DEFAULT

    def __init__(self, seconds: float = 0.0):
        self.seconds = seconds
        self.batches: list[int] = []
        self.numbers: list[list[int]] = []  # which faces each run had
        self.gate = threading.Event()
        self.gate.set()

    def open(self, model, manifest, threads):
        pass

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


async def hold(**settings) -> tuple[FakeEngine, Batcher, asyncio.Task]:
    batcher = make_batcher(engine := FakeEngine(), **settings)
    engine.gate.clear()
    task = asyncio.create_task(ask(batcher, 1))
    while not (batcher.running or task.done()):
        await asyncio.sleep(0)
    return engine, batcher, task


async def test_faces_that_come_while_the_engine_runs_share_the_next_run():
    engine, batcher, first = await hold()
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


async def test_a_single_face_is_not_starved_by_many():
    engine, batcher, first = await hold()
    big = [asyncio.create_task(ask(batcher, *[7] * 256)) for _ in range(3)]
    await asyncio.sleep(0)
    one = asyncio.create_task(ask(batcher, 9))
    await asyncio.sleep(0)
    engine.gate.set()
    assert await one == [9]
    behind = [9 in numbers for numbers in engine.numbers].index(True) - 1
    assert behind <= 1, f"it waited for {behind} runs of the others"
    await asyncio.gather(first, *big)


async def test_middling_jobs_are_not_cut_into_crumbs():
    engine, batcher, first = await hold()
    jobs = [asyncio.create_task(ask(batcher, *[n] * 4)) for n in range(20)]
    await asyncio.sleep(0.01)
    engine.gate.set()
    await asyncio.gather(first, *jobs)
    assert engine.batches == [1] + [8] * 10


async def test_kinds_do_not_mix():
    engine, batcher, first = await hold()
    bytes_, floats = ask(batcher, 2, 3), ask(batcher, 4, 5, dtype=np.float32)
    both = asyncio.gather(bytes_, floats)
    await asyncio.sleep(0.01)
    engine.gate.set()
    assert await both == [[2, 3], [4, 5]]
    assert engine.batches == [1, 2, 2]
    await first


async def test_a_full_queue_refuses_at_once_and_keeps_what_it_has():
    engine, batcher, first = await hold(queue=4)
    waiting = asyncio.create_task(ask(batcher, 2, 3, 4))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        with pytest.raises(Overloaded, match="3 of 4 faces"):
            await ask(batcher, 5, 6)
    with pytest.raises(TooLarge):
        await ask(batcher, 1, 2, 3, 4, 5)
    engine.gate.set()
    assert await waiting == [2, 3, 4]
    await first


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


async def test_who_leaves_makes_room_at_once():
    engine, batcher, first = await hold(queue=4)
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


async def test_what_cannot_be_in_time_is_refused_and_not_computed():
    engine = FakeEngine(0.1)
    batcher = make_batcher(engine)
    for _ in range(8):
        await ask(batcher, 1)  # teaches it how long a run takes
    engine.batches.clear()
    with pytest.raises(DeadlineExceeded):
        await ask(batcher, 2, seconds=0.02)
    assert not engine.batches


async def test_one_slow_run_does_not_make_later_calls_hopeless():
    batcher = make_batcher(FakeEngine())
    batcher.run_seconds = 2.0
    for _ in range(60):
        with contextlib.suppress(DeadlineExceeded):
            assert await ask(batcher, 1, seconds=0.5) == [1]
            return
    raise AssertionError("it never recovered")


async def test_a_closed_batcher_refuses_and_leaves_nobody_waiting():
    engine, batcher, first = await hold()
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)
    engine.gate.set()
    assert await first == [1]
    await closing
