"""What goes on between the bytes: keep-alive, slow and broken callers, ids, traces, timings."""

import json
import re
import time
from functools import partial

import numpy as np
import pytest
import requests

from tests.support.ask import JPEG, ask_grpc
from tests.support.load import read_metric, wait_for
from tests.support.raw_http import INFER, connect, read_answer, write_request
from tools.processes import Service
from tools.v2_json import face_tensor


@pytest.fixture(scope="module")
def strict(start_transformer):
    return start_transformer(head_seconds="3", max_body_bytes="200000")


def test_a_refused_body_leaves_the_connection_usable(strict):
    with requests.Session() as session:
        for _ in range(3):
            answer = session.post(strict.url + INFER, data=bytes(300_000))
            assert answer.status_code == 413
            assert session.get(f"{strict.url}/v2/health/live").ok
            answer = session.post(strict.url + INFER, data=(bytes(1000) for _ in range(400)))
            assert answer.status_code == 413  # in chunks, of no told length
            answer = session.post(strict.url + "/v2/models/none/infer", data=b"x" * 9999)
            assert answer.status_code == 404
    with connect(strict) as connection:
        for _ in range(2):
            connection.sendall(write_request(bytes(300_000)))
            assert read_answer(connection)[0] == 413
        connection.sendall(write_request(b"", method="GET", path="/v2/health/live"))
        assert read_answer(connection)[0] == 200


def test_a_caller_who_hangs_up_costs_no_place(strict, astronaut):
    whole = write_request(astronaut, "Content-Type: image/jpeg")
    for i in range(60):
        with connect(strict) as connection:
            connection.sendall(whole if i % 2 else whole[: len(whole) // 2])

    def look() -> str:
        text = requests.get(f"{strict.url}/metrics").text
        cancelled = re.search(r'requests_total\{code="cancelled",[^}]*\} ([\d.]+)', text)
        seen = cancelled and float(cancelled[1]) >= 30
        none = 'inflight_requests{service="transformer"} 0.0', "landmarks_pending_pictures 0.0"
        return text if seen and all(gauge in text for gauge in none) else ""

    assert 'code="internal"' not in wait_for(look)


def read_timings(answer: requests.Response) -> dict[str, float]:
    told = re.findall(r"(\w+);dur=([\d.]+)", answer.headers["server-timing"])
    return {name: float(value) for name, value in told}


def test_ids_and_timings_go_through_both_services(services, astronaut):
    _, transformer = services
    name, trace = f"trace-me-{time.time_ns()}", "0af7651916cd43dd8448eb211c80319c"
    headers = {"x-request-id": name, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = requests.post(transformer.url + INFER, data=astronaut, headers=JPEG | headers)
    assert answer.status_code == 200 and answer.headers["x-request-id"] == name
    for service in services:
        (line,) = map(json.loads, wait_for(partial(read_lines, service, name)))
        assert line["code"] == "ok" and line["trace_id"] == trace
    timings = read_timings(answer)
    assert set(timings) >= {"decode", "detect", "crop", "queue", "infer", "total"}
    assert timings["faces"] + timings["predict"] <= timings["total"] + 0.1
    assert timings["queue"] + timings["infer"] <= timings["predict"] + 0.1


def read_lines(service: Service, part: str) -> list[str]:
    """Read the lines of a log that have a part; the log is written by a thread of its own."""
    return [line for line in service.log.read_text().splitlines() if part in line]


def test_timings_agree_with_the_histograms(predictor):
    face = face_tensor(np.zeros((1, 1, 96, 96), np.uint8))

    read = partial(read_metric, predictor)
    infer = 'landmarks_stage_seconds_sum{service="predictor",stage="infer"}'
    total = 'landmarks_request_seconds_sum{model="unet",service="predictor"}'

    def agree() -> bool:  # once nobody who left in an earlier test is worked for any more
        before, told = (read(infer), read(total)), [0.0, 0.0]
        for _ in range(5):
            answer = requests.post(predictor.url + INFER, json={"inputs": [face]})
            timings = read_timings(answer)
            told[0] += timings["infer"] / 1000
            told[1] += timings["total"] / 1000
        moved = [read(infer) - before[0], read(total) - before[1]]
        return moved == pytest.approx(told, abs=1e-4)

    wait_for(agree)


def test_a_large_tensor_passes_through_the_transformer(transformer):
    """12 faces of 512x512 in colour are 9.4 MB: more than a gRPC message is by default."""
    answer = ask_grpc(transformer, {"face": np.zeros((12, 3, 512, 512), np.uint8)})
    assert answer["landmarks"].shape == (12, 15, 2)
