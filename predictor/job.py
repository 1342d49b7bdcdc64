"""One request's faces on their way through the runs of a network."""

import asyncio
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from predictor.engines.base import FaceArray
from serving.telemetry import tracing
from serving.telemetry.stages import Stage, Timings
from serving.telemetry.tracing import write_stage

Arrays = tuple[NDArray, ...]  # landmarks, scores and, when asked for, heatmaps


@dataclass(slots=True, eq=False)
class Run:
    """One run of an engine, for all jobs whose faces are in it; times of time.perf_counter()."""

    engine: str
    faces: int
    begun: float = field(default_factory=time.perf_counter)
    ended: float = 0.0


@dataclass(slots=True, eq=False)
class Job:
    """The faces of one request, which may be answered over several runs."""

    faces: FaceArray  # [n, 1, S, S]
    heatmaps: bool
    deadline: float  # of time.monotonic()
    future: asyncio.Future[Arrays]
    queued: float = field(default_factory=time.perf_counter)
    taken: int = 0  # faces handed to a run
    answered: int = 0  # faces whose rows are here
    rows: Arrays = ()  # of all faces
    runs: list[Run] = field(default_factory=list)

    @property
    def kind(self) -> tuple[np.dtype, bool]:
        """Only jobs of one kind share a run."""
        return self.faces.dtype, self.heatmaps

    @property
    def timings(self) -> Timings:
        """Seconds before the first run and in all runs, once the job is answered."""
        infer = sum(run.ended - run.begun for run in self.runs)
        return {Stage.QUEUE: self.runs[0].begun - self.queued, Stage.INFER: infer}

    def join_run(self, run: Run) -> None:
        """Note that a run has begun with faces of this job; it may have two pieces of it."""
        if run not in self.runs:
            self.runs.append(run)

    def store_rows(self, first: int, rows: Arrays) -> None:
        """Store the rows of one run, from face `first` on; on the engine's thread."""
        if len(rows[0]) == len(self.faces) and not self.heatmaps:
            # As they are: a view keeps its whole run's rows, which only of heatmaps is much.
            self.rows = rows
            return
        if not self.rows:
            self.rows = tuple(np.empty((len(self.faces), *a.shape[1:]), a.dtype) for a in rows)
        for whole, part in zip(self.rows, rows, strict=True):
            whole[first : first + len(part)] = part

    def end_run(self, faces: int, error: Exception | None = None) -> None:
        """Count the faces that one run answered; the last ones complete the job."""
        if self.future.done():
            return
        self.answered += faces
        if error is not None:
            self.future.set_exception(error)
        elif self.answered == len(self.faces):
            self.future.set_result(self.rows)

    def write_spans(self) -> None:
        """Write the stages as spans, now that nobody waits any more; the last has the error."""
        if not tracing.check_on():
            return
        gone = self.future.cancelled()
        error = asyncio.CancelledError() if gone else self.future.exception()
        now = time.perf_counter()
        write_stage(
            Stage.QUEUE,
            self.queued,
            self.runs[0].begun if self.runs else now,
            None if self.runs else error,
        )
        for run in self.runs:
            write_stage(
                Stage.INFER,
                run.begun,
                run.ended or now,  # it goes on, without its caller
                error if run is self.runs[-1] else None,
                engine=run.engine,
                batch_faces=run.faces,
            )
