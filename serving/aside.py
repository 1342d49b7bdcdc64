"""Threads for what both services do to long bodies and answers, beside the event loop.

They are few: each that works takes its share of the interpreter's lock from the event loop.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Out = TypeVar("Out")

THREADS = ThreadPoolExecutor(2, thread_name_prefix="aside")


async def run_aside(work: Callable[..., Out], *items: object) -> Out:
    """Run a function in one of the threads; the caller's cancel leaves it to its end."""
    return await asyncio.get_running_loop().run_in_executor(THREADS, work, *items)
