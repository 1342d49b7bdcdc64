"""Faces of several requests in one call: each gets its own rows, and nobody waits for nothing."""

import asyncio

import numpy as np
import pytest

from serving.errors import Overloaded
from serving.messages import Call
from transformer.backends.base import FaceLandmarks
from transformer.backends.joined import ID, Joiner


class Line:
    """So many pictures that wait for a worker, and a predictor that answers with what it got."""

    def __init__(self, waiting: int, seconds: float = 60):
        self.waiting, self.seconds = waiting, seconds
        self.asked: list[tuple[int, Call]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.joiner = Joiner(self.infer, self.expect)

    def expect(self, pictures: int) -> float:
        return self.seconds if 0 < pictures <= self.waiting else 0.0

    async def infer(self, faces, model, call, heatmaps) -> FaceLandmarks:
        self.asked.append((len(faces), call))
        await self.gate.wait()
        if self.error:
            raise self.error
        values = faces[:, 0, 0, :1].astype(np.float32)  # [N, 1]
        return FaceLandmarks(values[..., None], values, {"infer": 1.0}, "digest")

    def ask(self, *values: int, token: str = "", number: int = 0) -> asyncio.Task[FaceLandmarks]:
        """Ask about faces of these brightnesses."""
        faces = (
            np.zeros((len(values), 1, 2, 2), np.uint8)
            + np.array(values, np.uint8)[:, None, None, None]
        )
        forward = {ID: f"{number:032}"} | ({"authorization": token} if token else {})
        call = Call(asyncio.get_running_loop().time() + 1000, forward)
        return asyncio.create_task(self.joiner.ask(faces, "unet", call))

    @property
    def sizes(self) -> list[int]:
        return [faces for faces, _ in self.asked]


async def test_each_request_gets_its_own_faces():
    line = Line(waiting=3)
    found = await asyncio.gather(
        *(line.ask(*values, number=i) for i, values in enumerate([(1,), (2, 3), (4,), (5,) * 9]))
    )
    assert [list(one.scores.ravel()) for one in found] == [[1], [2, 3], [4], [5] * 9]
    assert [list(one.landmarks.ravel()) for one in found[:2]] == [[1], [2, 3]]
    assert sorted(line.sizes) == [4, 9] and not line.joiner.groups
    assert {one.digest for one in found} == {"digest"} and found[0].timings == {"infer": 1.0}
    joined = next(call for faces, call in line.asked if faces == 4)
    assert joined.forward[ID] == ",".join(f"{i:032}" for i in range(3))


@pytest.mark.parametrize("waiting", [0, 2])
async def test_where_too_few_wait_to_fill_a_call_it_is_made_at_once(waiting):
    line = Line(waiting)
    assert (await line.ask(7)).scores == 7 and line.sizes == [1]


async def test_a_call_is_made_once_no_more_will_come():
    line = Line(waiting=3)
    first = line.ask(1)
    await asyncio.sleep(0)
    line.waiting = 1
    await asyncio.gather(first, line.ask(2))
    assert line.sizes == [2]


async def test_pictures_without_faces_hold_nobody_up_for_long():
    line = Line(waiting=9, seconds=0.01)
    assert (await line.ask(1)).scores == 1


async def test_other_callers_rights_are_not_borrowed():
    line = Line(waiting=9, seconds=0.01)
    await asyncio.gather(*(line.ask(1, token=token) for token in ("a", "b", "", "a")))
    told = sorted((call.forward.get("authorization", ""), faces) for faces, call in line.asked)
    assert told == [("", 1), ("a", 2), ("b", 1)]


async def test_an_error_is_everyones():
    line = Line(waiting=9)
    line.error = Overloaded("The queue is full.")
    found = await asyncio.gather(*(line.ask(i) for i in range(4)), return_exceptions=True)
    assert line.sizes == [4] and all(isinstance(one, Overloaded) for one in found)


@pytest.mark.parametrize("sent", [True, False])
async def test_who_leaves_takes_nobody_along_and_the_last_one_ends_the_call(sent):
    line = Line(waiting=3)
    line.gate.clear()
    tasks = [line.ask(i) for i in range(4 if sent else 3)]
    await asyncio.sleep(0.01)
    assert line.sizes == ([4] if sent else [])
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in tasks[1:])
    for task in tasks[1:]:
        task.cancel()
    await asyncio.wait(tasks)
    await asyncio.sleep(0.01)
    assert not line.joiner.groups and len(asyncio.all_tasks()) == 1  # this test
