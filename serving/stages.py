"""A stage of a request: its seconds for Server-Timing and the metrics, its span for the trace."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from serving import tracing


@contextmanager
def measure_stage(timings: dict[str, float], name: str) -> Iterator[None]:
    """Add the seconds that the block takes to `timings`, also when it fails."""
    begun = time.perf_counter()
    try:
        with tracing.tracer.open_stage(name):
            yield
    finally:
        timings[name] = timings.get(name, 0.0) + time.perf_counter() - begun
