"""What was answered: events hold up nobody, and histograms come with the first face."""

import time
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from tests.support.sink import Sink, run_sink
from tests.transformer.fakes import FakeFinder, make_request
from transformer import events
from transformer.events import EventSender


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
