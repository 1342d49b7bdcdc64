"""The predictor's model: faces of any size in, points read off peaks, and how long jobs waited."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from predictor import model, resize
from predictor.decode import decode_heatmaps
from predictor.job import Job, Run
from predictor.model import Predictor
from predictor.settings import PredictorSettings
from serving.errors import DeadlineExceeded, InvalidTensor, Overloaded, TooLarge
from serving.faces import check_faces
from serving.messages import Call, InferenceRequest, Tensor
from tests.predictor.test_batcher import FakeEngine, make_faces

RNG = np.random.default_rng(1)
SIZE = (96, 96)  # of the network's face, in these tests
resize_faces = partial(resize.resize_faces, size=SIZE)
prepare_faces = partial(model.prepare_faces, size=SIZE, channels=1)


def make_tensor(*shape: int, dtype: str = "UINT8") -> Tensor:
    kinds = {"UINT8": np.uint8, "FP32": np.float32, "FP16": np.float16, "INT64": np.int64}
    return Tensor("face", dtype, RNG.integers(0, 2, shape).astype(kinds[dtype]))


def smooth(height: int, width: int) -> np.ndarray:
    picture = RNG.integers(0, 256, (8, 8)).astype(np.uint8)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(
    "height, width",
    [(200, 200), (1024, 640), (97, 96), (300, 111), (16, 16), (48, 60), (95, 95)],
)
def test_shrinking_is_opencvs_area_average_and_enlarging_its_linear_way(height, width):
    face = smooth(height, width)
    ours = resize_faces(face[None, :, :, None])[0, 0].astype(int)
    way, most = (cv2.INTER_AREA, 1) if height > 96 else (cv2.INTER_LINEAR, 2)  # of 11 bits' weights
    assert np.abs(ours - cv2.resize(face, SIZE, interpolation=way)).max() <= most


def test_colour_becomes_grey_as_opencv_makes_it():
    face = RNG.integers(0, 256, (96, 96, 3)).astype(np.uint8)
    ours = resize_faces(face[None])[0, 0].astype(int)
    assert np.abs(ours - cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)).max() <= 1


def test_fine_stripes_do_not_alias():
    stripes = np.tile(np.array([0, 255], np.uint8), 480)[None, None, :, None]
    small = resize_faces(np.repeat(stripes, 960, axis=1))
    assert small.min() >= 120 and small.max() <= 135


@pytest.mark.parametrize(
    "shape", [(2, 1, 40, 50), (2, 3, 40, 50), (2, 40, 50, 1), (2, 40, 50, 3), (2, 1, 96, 96)]
)
@pytest.mark.parametrize("dtype", ["UINT8", "FP32", "FP16"])
def test_every_layout_and_datatype_becomes_what_engines_take(shape, dtype):
    faces = prepare_faces(check_faces(make_tensor(*shape, dtype=dtype), 8))
    assert faces.shape == (2, 1, 96, 96)
    assert faces.dtype == (np.uint8 if dtype == "UINT8" else np.float32)
    assert faces.max() <= 1


def test_both_layouts_are_the_same_face():
    first = RNG.integers(0, 256, (1, 3, 60, 80)).astype(np.uint8)
    last = first.transpose(0, 2, 3, 1)
    a, b = (prepare_faces(check_faces(Tensor("face", "UINT8", x), 8)) for x in (first, last))
    np.testing.assert_array_equal(a, b)


def test_what_is_not_a_number_is_refused():
    with pytest.raises(InvalidTensor):
        prepare_faces(np.full((1, 50, 50, 1), np.nan, np.float16))


def test_points_come_back_where_they_were():
    """A bright pixel of the caller's picture is found where it is, to half a pixel of the face."""
    for height, width, y, x in [(192, 480, 50, 300), (40, 32, 20, 9), (1000, 900, 333, 777)]:
        picture = np.zeros((1, height, width, 1), np.float32)
        reach = 1 + max(height, width) // 96
        picture[0, y - reach : y + reach + 1, x - reach : x + reach + 1] = 1
        face = resize_faces(picture)[0, 0]
        grid = np.indices(face.shape)
        cy, cx = (face * grid).sum(axis=(1, 2)) / face.sum()
        back = resize.scale_points(np.array([[[cx, cy]]], np.float32), SIZE, height, width)[0, 0]
        assert abs(back[0] - x) <= width / 192 and abs(back[1] - y) <= height / 192


RANDOM = np.random.default_rng(0)


def draw_maps(points: np.ndarray, sigma: float = 1.2) -> np.ndarray:
    """Log-Gaussians `[N,K,96,96]` around points `[N,K,2]`."""
    y, x = np.mgrid[:96, :96]
    px, py = points[..., 0, None, None], points[..., 1, None, None]
    return (-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)).astype(np.float32)


@pytest.mark.parametrize("values", ["logits", "heights", "probabilities"])
def test_points_are_exact_between_pixels(values):
    points = RANDOM.uniform(1, 94, (3, 15, 2)).astype(np.float32)
    maps = draw_maps(points)
    given = {"logits": maps + 5, "heights": np.exp(maps)}
    given["probabilities"] = given["heights"] / given["heights"].sum(axis=(2, 3), keepdims=True)
    found, scores = decode_heatmaps(given[values], values)
    assert np.abs(found - points).max() < 0.01
    assert scores.min() > 0.8


def test_a_flat_or_split_map_scores_low():
    flat = np.zeros((1, 15, 96, 96), np.float32)
    assert decode_heatmaps(flat)[1].max() < 0.01
    two = draw_maps(np.full((1, 15, 2), 20.0))
    two = np.logaddexp(two, draw_maps(np.full((1, 15, 2), 70.0)))
    assert 0.4 < decode_heatmaps(two)[1].max() < 0.6


def test_a_peak_on_the_border_stays_inside_the_pixel():
    points = np.array([[[0, 0], [95, 95], [0, 40]]], np.float32)
    found, _ = decode_heatmaps(draw_maps(points))
    assert np.abs(found - points).max() <= 0.5


async def test_heatmaps_are_claimed_before_they_are_computed(monkeypatch):
    engine, claim = FakeEngine(), Mock(side_effect=Overloaded("There is no room."))
    monkeypatch.setattr(engine, "run", run := Mock())
    model = Predictor("unet", PredictorSettings(), engine, ThreadPoolExecutor(1))
    face = Tensor("face", "UINT8", make_faces(1, 2, 3))
    request = InferenceRequest("unet", {"face": face}, outputs=("heatmaps",))
    with pytest.raises(Overloaded):
        await model.infer(request, Call(claim=claim))
    claim.assert_called_once_with(3 * 15 * 96 * 96 * 4)
    model.max_heatmap_faces = 2
    with pytest.raises(TooLarge, match="2 go into one answer"):
        await model.infer(request)
    await model.close()
    assert not run.called


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
