"""A job's time: how long its faces waited, and the runs that they shared with others."""

import asyncio
import time

import numpy as np
import pytest

from predictor.job import Job, Run
from serving.errors import DeadlineExceeded


def make_job(faces: int = 2) -> Job:
    future = asyncio.get_running_loop().create_future()
    return Job(np.zeros((faces, 1, 96, 96), np.uint8), False, time.monotonic() + 9, future)


def list_spans(kept) -> list[tuple]:
    return [
        (span.name, span.attributes.get("landmarks.batch_faces"), span.attributes.get("error.type"))
        for span in kept.get_finished_spans()
    ]


async def test_two_pieces_in_one_run_take_the_time_of_one(kept):
    job = make_job()
    run = Run("fake", 5, begun=job.queued + 0.25, ended=job.queued + 1.25)
    job.join_run(run)
    job.join_run(run)
    for first in (1, 0):
        job.store_rows(first, (np.full((1, 15, 2), first), np.ones((1, 15))))
        job.end_run(1)
    landmarks, _ = await job.future
    assert landmarks[:, 0, 0].tolist() == [0, 1]
    assert job.timings == pytest.approx({"queue": 0.25, "infer": 1.0})
    job.write_spans()
    assert list_spans(kept) == [("queue", None, None), ("infer", 5, None)]
    queue, infer = kept.get_finished_spans()
    assert infer.attributes["landmarks.engine"] == "fake"
    # Two readings of two clocks lie between them.
    assert infer.start_time == pytest.approx(queue.end_time, rel=0, abs=1e8)
    assert (infer.end_time - infer.start_time) / 1e9 == pytest.approx(1.0)


async def test_a_job_that_is_refused_waited_in_vain(kept):
    job = make_job()
    job.future.set_exception(DeadlineExceeded("Too late."))
    job.write_spans()
    assert list_spans(kept) == [("queue", None, "deadline_exceeded")]
    assert kept.get_finished_spans()[0].status.description == "Too late."


async def test_a_run_that_outlasts_the_caller_ends_with_him(kept):
    job = make_job()
    job.join_run(Run("fake", 2))
    job.future.cancel()
    job.write_spans()
    assert list_spans(kept) == [("queue", None, None), ("infer", 2, "cancelled")]
    infer = kept.get_finished_spans()[1]
    assert 0 <= infer.end_time - infer.start_time < 1e9
