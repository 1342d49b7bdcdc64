"""What was answered: events hold up nobody, and histograms come with the first face."""

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from tests.support.load import wait_for
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
    for _ in range(8):  # while the gate is shut
        await model.infer(make_request(1))
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


async def test_a_sink_that_never_answers_is_not_waited_for(model, sink, monkeypatch):
    monkeypatch.setattr(events, "SECONDS", 0.05)
    sink.gate.clear()
    before = count("failed")
    model.events = EventSender(sink.url, 1.0, "/landmarks/unet")
    await model.infer(make_request(1))
    wait_for(lambda: count("failed") > before)
    monkeypatch.setattr(events, "SECONDS", 600)
    monkeypatch.setattr(events, "LAST_SECONDS", 0.05)
    model.events = EventSender(sink.url, 1.0, "/landmarks/unet")
    await model.infer(make_request(1))
    model.events.close()
    assert model.events.thread.is_alive()
    sink.gate.set()


async def test_there_are_no_histograms_until_a_face_is_answered(model):
    name, labels = "landmarks_face_score_count", {"service": "transformer"}
    before = REGISTRY.get_sample_value(name, labels)
    await model.infer(make_request(0))
    assert REGISTRY.get_sample_value(name, labels) == before
    await model.infer(make_request(2))
    assert REGISTRY.get_sample_value(name, labels) == (before or 0) + 2


async def test_the_histogram_has_its_own_brightness_whatever_is_asked_for(model, monkeypatch):
    """The output of that name is another number, 0 to 1 of the face's middle."""

    def detect(*given, **further):
        found = FakeFinder.detect_faces(model.finder, *given, **further)
        found.crops += 100
        return found

    monkeypatch.setattr(model.finder, "detect_faces", detect)
    name, labels = "landmarks_face_brightness_sum", {"service": "transformer"}
    seen = []
    for outputs in ((), ("brightness",)):
        request, before = make_request(1), REGISTRY.get_sample_value(name, labels) or 0.0
        request.outputs = outputs
        await model.infer(request)
        seen.append((REGISTRY.get_sample_value(name, labels) or 0.0) - before)
    assert seen == [100, 100]
