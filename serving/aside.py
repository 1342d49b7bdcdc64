"""A thread for what both services do to long bodies and answers, beside the event loop.

It is one: each that works competes with the event loop for the GIL, and two would be no faster.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Out = TypeVar("Out")

THREAD = ThreadPoolExecutor(1, thread_name_prefix="aside")


async def run_aside(work: Callable[..., Out], *items: object) -> Out:
    """Run a function in the thread; the caller's cancel leaves it to its end."""
    return await asyncio.get_running_loop().run_in_executor(THREAD, work, *items)
