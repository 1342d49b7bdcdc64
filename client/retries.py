"""Ask again where that helps: the service is full, starting or being replaced."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from .faces import ServiceError

T = TypeVar("T")

# All were refused before any work, or may be asked twice without harm: an answer changes nothing.
RETRIED = ("overloaded", "not_ready", "predictor_unavailable", "unreachable", "cancelled", "503")
FIRST_WAIT, LONGEST_WAIT = 0.25, 30.0  # seconds


def ask_patiently(
    ask: Callable[[], T], retries: int, sleep: Callable[[float], None] = time.sleep
) -> T:
    """Call `ask`, and again up to `retries` times while it raises an error that may pass.

    The wait is what the service's Retry-After says, and longer each time; one that asks for more
    than LONGEST_WAIT is not waited for. Raises the last ServiceError.
    """
    for attempt in range(retries + 1):
        try:
            return ask()
        except ServiceError as error:
            wished = error.retry_after or 0.0
            if error.code not in RETRIED or attempt == retries or wished > LONGEST_WAIT:
                raise
            backoff = min(FIRST_WAIT * 2.0**attempt, LONGEST_WAIT)
            # Callers who were refused together shall not come back together.
            sleep(wished + backoff * random.uniform(0.5, 1.0))
    raise AssertionError("unreachable")
