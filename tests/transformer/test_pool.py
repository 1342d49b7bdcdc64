"""The workers: bounded, fair, and never held up by who has left."""

import asyncio
import threading
import time
from unittest.mock import Mock

import pytest

from serving.errors import Overloaded, TooLarge
from transformer.pool import WorkerPool


async def test_a_full_line_is_refused_at_once():
    pool = WorkerPool(1, 2)
    gate = threading.Event()
    under_way = asyncio.create_task(pool.run_all(lambda _: gate.wait(5), [1, 2], {}))
    await asyncio.sleep(0.01)
    with pytest.raises(Overloaded):
        await pool.run_all(str, [3], {})
    with pytest.raises(TooLarge):
        await pool.run_all(str, [1, 2, 3], {})
    gate.set()
    await under_way
    assert await pool.run_all(str, [3], {}) == ["3"]


async def test_a_herd_is_answered_or_refused_and_waits_for_nothing_in_vain():
    pool = WorkerPool(1, 1000)
    gate = threading.Event()
    pool.seconds = 1.0
    deadline = time.monotonic() + 90
    soon = time.monotonic() + 1
    first = pool.run_all(lambda _: gate.wait(60), [1], {}, soon)  # none is before it
    herd = [pool.run_all(lambda _: gate.wait(60), [1], {}, deadline) for _ in range(200)]
    tasks = [asyncio.create_task(each) for each in (first, *herd)]
    await asyncio.sleep(0)
    refused = [task for task in tasks if task.done()]
    assert 110 <= len(refused) < 200  # 90 fit into the time
    pool.seconds = 0.0
    for late in ([1], [1, 2]):
        with pytest.raises(Overloaded):  # once its time is up
            await pool.run_all(str, late, {}, time.monotonic() + 0.01)
    gate.set()
    codes = {type(end).__name__ for end in await asyncio.gather(*tasks, return_exceptions=True)}
    assert codes == {"list", "Overloaded"}


async def test_what_follows_is_expected_as_long_as_it_waits():
    pool = WorkerPool(2, 100)
    gate = threading.Event()
    await pool.run_all(str, [1], {})
    pool.seconds = 1.0
    lines = [asyncio.create_task(pool.run_all(lambda _: gate.wait(5), [1], {})) for _ in range(5)]
    await asyncio.sleep(0.01)
    assert [pool.expect(n) for n in (0, 1, 3, 4)] == [0, 1.5, 2.5, 0]  # two of five are at work
    lines[4].cancel()
    await asyncio.sleep(0.01)
    assert pool.expect(2) and not pool.expect(3)
    gate.set()
    await asyncio.gather(*lines[:4])
    assert not pool.expect(1)


async def test_a_thread_that_cannot_start_takes_no_place(monkeypatch):
    pool = WorkerPool(1, 2)
    monkeypatch.setattr(pool.threads, "submit", Mock(side_effect=RuntimeError("no thread")))
    with pytest.raises(RuntimeError):
        await pool.run_all(str, [1], {})
    monkeypatch.undo()
    async with asyncio.timeout(5):
        assert await pool.run_all(str, [1], {}) == ["1"]


async def test_a_request_with_many_pictures_lets_others_in_between():
    pool = WorkerPool(1, 1000)
    done: list[str] = []

    def work(name: str) -> None:
        time.sleep(0.002)
        done.append(name)

    many = asyncio.create_task(pool.run_all(work, ["many"] * 50, {}))
    await asyncio.sleep(0.01)
    await pool.run_all(work, ["one"], {})
    assert done.index("one") < 15
    await many


async def test_the_first_failure_ends_the_rest():
    pool = WorkerPool(1, 1000)
    done = []

    def work(n: int) -> None:
        done.append(n)
        if n == 2:
            raise ValueError

    with pytest.raises(ValueError):
        await pool.run_all(work, range(500), {})
    await asyncio.sleep(0.05)
    assert len(done) < 10 and pool.pending == 0
    assert await pool.run_all(str, [1], {}) == ["1"]


async def test_who_leaves_gives_up_the_place_and_busy_threads_keep_theirs():
    pool = WorkerPool(2, 1000)
    gate = threading.Event()
    running: list[int] = []

    def work(n: int) -> int:
        running.append(n)
        gate.wait(5)
        return n

    gone = [asyncio.create_task(pool.run_all(work, [n], {})) for n in range(100)]
    async with asyncio.timeout(5):
        while len(running) < 2:
            await asyncio.sleep(0.001)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert pool.pending == 0
    kept = asyncio.create_task(pool.run_all(work, [100], {}))
    await asyncio.sleep(0.02)
    assert running == [0, 1]  # both threads are still at it: no third item was given out
    gate.set()
    async with asyncio.timeout(5):
        assert await kept == [100]
    assert running == [0, 1, 100]
