"""Batches form out of everyone's faces."""

import asyncio
import threading
import time

import numpy as np

from tests.predictor.fake_engine import FakeEngine, ask, hold, make_batcher


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
