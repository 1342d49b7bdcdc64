"""Send the faces of several requests in one call, while more are sure to follow."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.contract import ID_HEADER as ID
from serving.messages import Call
from serving.telemetry.record import ID_CHARACTERS
from transformer.backends.base import FaceLandmarks

FACES = 4  # of a call that is full: engines take so many in one execution
MOST_FACES = 2 * (FACES - 1)  # of a call: all but one, and then as many

Infer = Callable[[NDArray, str, Call, bool], Awaitable[FaceLandmarks]]


@dataclass(slots=True, eq=False)
class Group:
    """The requests of one call: the faces and the call of each."""

    parts: list[tuple[NDArray, Call]] = field(default_factory=list)
    faces: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)
    left: int = 0  # requests that no longer wait

    def merge_calls(self) -> Call:
        """Make one call of all: the latest deadline, and as many of the ids as go into one."""
        latest = max((call for _, call in self.parts), key=lambda call: call.deadline)
        ids = [call.forward[ID] for _, call in self.parts if ID in call.forward]
        while len(",".join(ids)) > ID_CHARACTERS:
            ids.pop()
        return Call(latest.deadline, {**latest.forward, ID: ",".join(ids)})


class Joiner:
    """Holds faces until a call is full, while as many pictures wait for a worker as it lacks.

    `expect` gives the seconds in which so many waiting pictures should be through, 0 where
    fewer wait: then a call is made at once.
    """

    def __init__(self, infer: Infer, expect: Callable[[int], float]):
        self.infer, self.expect = infer, expect
        self.groups: dict[Hashable, tuple[Group, asyncio.Task[FaceLandmarks]]] = {}  # not full

    async def ask(self, faces: NDArray, model: str, call: Call) -> FaceLandmarks:
        """Answer as `infer` does, in one call with other requests of the same headers."""
        headers = {name: value for name, value in call.forward.items() if name != ID}
        key = (model, faces.dtype, faces.shape[1:], *headers.items())
        seconds = min(self.expect(FACES - len(faces)), (call.deadline - time.monotonic()) / 4)
        if len(faces) >= FACES or (key not in self.groups and seconds <= 0):
            return await self.infer(faces, model, call, False)
        if key not in self.groups:
            group = Group()
            self.groups[key] = group, asyncio.create_task(self.send(key, group, model, seconds))
        group, task = self.groups[key]
        first = group.faces
        group.parts.append((faces, call))
        group.faces += len(faces)
        if not self.expect(FACES - group.faces):
            self.close(key, group)
        try:
            found = await asyncio.shield(task)
        except asyncio.CancelledError:
            group.left += 1
            if group.left == len(group.parts):
                self.close(key, group)
                task.cancel()
            raise
        return found.select(slice(first, first + len(faces)))

    def close(self, key: Hashable, group: Group) -> None:
        """Have a group's call made; what comes now begins another."""
        group.full.set()
        if key in self.groups and self.groups[key][0] is group:
            del self.groups[key]

    async def send(self, key: Hashable, group: Group, model: str, seconds: float) -> FaceLandmarks:
        """Make the call of a group, no later than in so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await group.full.wait()
        self.close(key, group)
        faces = np.concatenate([faces for faces, _ in group.parts])
        return await self.infer(faces, model, group.merge_calls(), False)
