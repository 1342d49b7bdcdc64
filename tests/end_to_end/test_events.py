"""What was answered, as CloudEvents and histograms, through both doors."""

import numpy as np
import requests

from tests.support.ask import JPEG, ask_grpc, infer_url, read_outputs
from tests.support.load import wait_for
from tests.support.sink import run_sink
from transformer.events import TYPE


def test_answers_through_both_doors_become_events(start_transformer, astronaut):
    with run_sink() as sink:
        check_events(start_transformer(events_sink=sink.url, events_share="1"), sink, astronaut)


def check_events(service, sink, astronaut):
    address = f"http://127.0.0.1:{service.rest}"
    answer = requests.post(infer_url(service), astronaut, headers=JPEG, timeout=30)
    ask_grpc(service, {"image": [astronaut] * 2})
    told = read_outputs(answer)
    headers, data = sink.got.get(timeout=60)
    assert headers["ce-specversion"] == "1.0" and headers["ce-type"] == TYPE
    assert headers["ce-source"] == "/landmarks/unet" and headers["ce-id"] and headers["ce-time"]
    assert data["landmarks_set"] == answer.headers["landmarks-set"] and data["pictures"] == 1
    for name in ("landmarks", "scores", "boxes", "face_scores"):
        assert np.allclose(data[name], told[name], atol=1e-4)
    assert 20 < data["brightness"][0] < 235
    assert sum(np.size(value) for value in data.values()) < 70  # and no pixels
    assert sink.got.get(timeout=60)[1]["image_index"] == [0, 1]

    def read_metrics() -> str:
        return requests.get(f"{address}/metrics", timeout=60).text

    wait_for(lambda: 'landmarks_events_total{outcome="sent"} 2.0' in read_metrics())
    text = read_metrics()
    for name in ("score", "size_pixels", "brightness"):
        assert f'landmarks_face_{name}_count{{service="transformer"}} 3.0' in text
