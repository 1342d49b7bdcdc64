"""A thread for what both services do to long bodies and answers, beside the event loop.

It is one: each that works competes with the event loop for the GIL, and two would be no faster.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakKeyDictionary

Out = TypeVar("Out")

THREAD = ThreadPoolExecutor(1, thread_name_prefix="aside")
TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def run_aside(work: Callable[..., Out], *items: object) -> Out:
    """Run a function in the thread; the caller's cancel leaves it to its end.

    The loop goes round between two: a thread that went from one to the next would take the GIL
    from it at each socket that it reads.
    """
    loop = asyncio.get_running_loop()
    async with TURNS.setdefault(loop, asyncio.Lock()):
        return await loop.run_in_executor(THREAD, work, *items)
