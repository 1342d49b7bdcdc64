"""The transformer's model, with a detector and a predictor that do as they are told; its events."""

import asyncio
import re
import time
from collections.abc import Iterator

import numpy as np
import pytest
from prometheus_client import REGISTRY

from predictor.landmarks import DEFAULT
from serving.errors import InvalidImage, TooLarge
from serving.landmarks import LandmarkSet
from serving.messages import Call
from tests.support.http_server import Sink, run_sink
from tests.transformer.conftest import INFER, PNG, FakeFinder, make_request
from transformer import events
from transformer.events import EventSender
from transformer.faces import DetectedFaces, doubt_unseen
from transformer.inputs.choices import NO_CHOICES


async def test_heatmaps_come_on_request_and_their_bytes_are_claimed(model):
    claimed: list[int] = []
    request = make_request(1, 2)
    request.outputs = ("heatmaps", "crops")
    outputs = (await model.infer(request, Call(claim=claimed.append))).outputs
    assert outputs["heatmaps"].shape == (3, 15, 96, 96) and outputs["crops"].shape == (3, 2, 3)
    assert sum(claimed) == outputs["heatmaps"].nbytes
    request = make_request(0)
    request.outputs = ("heatmaps",)
    assert (await model.infer(request)).outputs["heatmaps"].shape == (0, 15, 96, 96)
    assert "heatmaps" not in (await model.infer(make_request(1))).outputs


def test_a_point_beyond_its_picture_is_not_sure():
    found = [FakeFinder().detect_faces(b"x" * n, DEFAULT, NO_CHOICES) for n in (1, 0, 2)]
    found[2].size = (40, 30)
    points = np.full((3, 3, 2), (39.4, 20), np.float32)
    points[1, 1], points[2, 2, 1] = (39.6, 20), -1
    scores = doubt_unseen(np.ones((3, 3), np.float32), points, found)
    assert scores.tolist() == [[1, 1, 1], [1, 0.5, 1], [1, 1, 0.5]]


async def test_the_bad_one_of_several_pictures_is_named(model):
    class Picky(FakeFinder):
        def detect_faces(self, content: bytes, landmarks: LandmarkSet, choices) -> DetectedFaces:
            if len(content) in (2, 3):
                raise {2: InvalidImage, 3: TooLarge}[len(content)]("It is bad.")
            return super().detect_faces(content, landmarks, choices)

    model.finder = Picky()
    with pytest.raises(InvalidImage, match=r"Picture 1 \(counted from 0\): It is bad\."):
        await model.infer(make_request(0, 2))
    with pytest.raises(TooLarge, match=r"Picture 2 \(counted from 0\): It is bad\."):
        await model.infer(make_request(0, 0, 3))
    with pytest.raises(InvalidImage, match=r"^It is bad\.$"):
        await model.infer(make_request(2))


async def test_waiting_for_a_worker_is_told_counted_and_observed(model, rest):
    name, labels = "landmarks_stage_seconds", {"service": "transformer", "stage": "wait"}

    def read(what: str) -> float:
        return REGISTRY.get_sample_value(f"{name}_{what}", labels) or 0.0

    before = read("count"), read("sum")
    model.finder.gate.clear()
    first = asyncio.create_task(rest.post(INFER, content=b"x", headers=PNG))
    while not model.finder.waiting and not first.done():
        await asyncio.sleep(0.01)
    second = asyncio.create_task(rest.post(INFER, content=b"x", headers=PNG))
    await asyncio.sleep(0.1)
    assert (await rest.get("/v2/health/live")).status_code == 200 and not first.done()
    model.finder.gate.set()
    answers = [await first, await second]
    told = [re.findall(r"\bwait;dur=([0-9.]+)", a.headers["server-timing"]) for a in answers]
    seconds = [float(times[0]) / 1000 for times in told]
    assert seconds[1] > 0.05 > seconds[0]
    queue = model.describe_statistics()["inference_stats"]["queue"]
    assert queue["count"] == 2 and queue["ns"] / 1e9 == pytest.approx(sum(seconds), abs=1e-4)
    assert read("count") - before[0] == 2
    assert read("sum") - before[1] == pytest.approx(sum(seconds), abs=1e-4)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with run_sink() as sink:
        yield sink


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("landmarks_events_total", {"outcome": outcome}) or 0.0


async def test_a_sink_that_is_slow_or_away_holds_up_nobody(model, sink, monkeypatch):
    monkeypatch.setattr(events, "WAITING", 3)
    before = {name: count(name) for name in ("dropped", "failed", "sent")}
    sink.gate.clear()
    model.events = EventSender(sink.url, 1.0, "/landmarks/unet")
    begun = time.perf_counter()
    for _ in range(8):
        await model.infer(make_request(1))
    assert time.perf_counter() - begun < 20
    assert count("dropped") - before["dropped"] >= 4
    sink.gate.set()
    model.events.close()
    assert count("sent") - before["sent"] >= 3
    model.events = EventSender("http://127.0.0.1:9/", 1.0, "/landmarks/unet")
    await model.infer(make_request(1))
    model.events.close()
    assert count("failed") - before["failed"] == 1
    model.events = EventSender(sink.url, 0.0, "/landmarks/unet")
    await model.infer(make_request(1))
    assert model.events.waiting.empty()


async def test_a_sink_that_never_answers_is_left_and_keeps_no_process(model, sink, monkeypatch):
    """Each event has its time, and so has what waits at the end."""
    monkeypatch.setattr(events, "SECONDS", 0.1)
    sink.gate.clear()
    before = count("failed")
    model.events = EventSender(sink.url, 1.0, "/landmarks/unet")
    await model.infer(make_request(1))
    model.events.close()
    assert count("failed") - before == 1
    monkeypatch.setattr(events, "SECONDS", 60.0)
    monkeypatch.setattr(events, "LAST_SECONDS", 0.1)
    model.events = EventSender(sink.url, 1.0, "/landmarks/unet")
    await model.infer(make_request(1))
    begun = time.perf_counter()
    model.events.close()
    assert time.perf_counter() - begun < 20 and model.events.thread.is_alive()
    sink.gate.set()


def read_histogram(name: str) -> float:
    found = f"landmarks_face_{name}", {"service": "transformer"}
    return REGISTRY.get_sample_value(*found) or 0.0


async def test_there_are_no_histograms_until_a_face_is_answered(model):
    before = read_histogram("score_count")
    for faces in (0, 2):
        await model.infer(make_request(faces))
        assert read_histogram("score_count") == before + faces


async def test_the_histogram_has_its_own_brightness_whatever_is_asked_for(model):
    """The output of that name is another number, 0 to 1 of the face's middle."""

    class Bright(FakeFinder):
        def detect_faces(self, *given, **further):
            found = super().detect_faces(*given, **further)
            found.crops += 100
            return found

    model.finder = Bright()
    for outputs in ((), ("brightness",)):
        request, before = make_request(1), read_histogram("brightness_sum")
        request.outputs = outputs
        await model.infer(request)
        assert read_histogram("brightness_sum") - before == 100
