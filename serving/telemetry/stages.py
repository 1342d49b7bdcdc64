"""A stage of a request: its seconds for Server-Timing and the metrics, its span for the trace."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from opentelemetry.trace import INVALID_SPAN

from serving.telemetry import tracing


class Stage(StrEnum):
    """What Server-Timing, the metrics, the statistics and the spans name."""

    WAIT = "wait"  # for a worker of the transformer
    DECODE = "decode"
    DETECT = "detect"
    CROP = "crop"
    FACES = "faces"  # the four above, as the clock has it
    PREDICT = "predict"  # the predictor's stages and the way there
    RESIZE = "resize"
    QUEUE = "queue"  # for a run of the network
    INFER = "infer"
    DRAW = "draw"  # the picture, where one is asked for
    TOTAL = "total"


Timings = dict[str, float]  # stage -> seconds


@contextmanager
def measure_stage(timings: Timings, stage: str) -> Iterator[None]:
    """Add the seconds that the block takes to `timings`, also when it fails."""
    begun = time.perf_counter()
    span = tracing.tracer.start_span(stage) if tracing.check_on() else INVALID_SPAN
    try:
        yield
    except BaseException as error:
        tracing.end_span(span, error)
        raise
    else:
        tracing.end_span(span, None)
    finally:
        timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - begun


def add_timings(total: Timings, more: Mapping[str, float]) -> None:
    """Add seconds to those of the same stages."""
    for stage, seconds in more.items():
        total[stage] = total.get(stage, 0.0) + seconds


def write_timings(timings: Mapping[str, float]) -> str:
    """Write stages as a Server-Timing header, in milliseconds."""
    return ", ".join(f"{stage};dur={1000 * seconds:.2f}" for stage, seconds in timings.items())


def read_timings(text: str | bytes) -> Timings:
    """Read a Server-Timing header that write_timings wrote, in seconds; else nothing."""
    return {
        stage: float(milliseconds) / 1000
        for stage, milliseconds in re.findall(r"([a-z]+);dur=([0-9.]+)", str(text))
        if milliseconds.count(".") <= 1
    }
