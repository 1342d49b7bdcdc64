"""What goes on between the bytes: keep-alive, slow and broken callers, ids, traces, timings."""

import json
import re
import time
from functools import partial

import grpc
import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from serving.grpc.codec import encode_request
from tests.support.load import wait_for
from tests.support.raw_http import INFER, connect, is_cut, read_answer
from tools.processes import Service
from tools.v2_json import face_tensor


@pytest.fixture(scope="module")
def strict(start_transformer):
    """A transformer with short patience and little room."""
    return start_transformer(head_seconds="3", max_body_bytes="200000")


def test_a_refused_body_leaves_the_connection_usable(strict):
    with requests.Session() as session:
        for _ in range(3):
            answer = session.post(strict.url + INFER, data=bytes(300_000))
            assert answer.status_code == 413
            assert session.get(f"{strict.url}/v2/health/live").ok
            answer = session.post(strict.url + INFER, data=(bytes(1000) for _ in range(400)))
            assert answer.status_code == 413  # in chunks, of no told length
            assert (
                session.post(strict.url + "/v2/models/none/infer", data=b"x" * 9999).status_code
                == 404
            )
    with connect(strict) as connection:
        for _ in range(2):
            head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n"
            connection.sendall(head.encode() + bytes(300_000))
            assert read_answer(connection)[0] == 413
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(connection)[0] == 200


def test_a_head_that_never_ends_is_cut_on_a_connection_that_served_before(strict):
    with connect(strict) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(connection)[0] == 200
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\n")
        assert is_cut(connection)


def test_a_caller_who_hangs_up_costs_no_place(strict, astronaut):
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
    whole = f"{head}Content-Length: {len(astronaut)}\r\n\r\n".encode() + astronaut
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


def test_ids_and_timings_go_through_both_services(services, astronaut):
    _, transformer = services
    name = f"trace-me-{time.time_ns()}"
    headers = {
        "content-type": "image/jpeg",
        "x-request-id": name,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    answer = requests.post(transformer.url + INFER, data=astronaut, headers=headers)
    assert answer.status_code == 200 and answer.headers["x-request-id"] == name
    for service in services:
        lines = [json.loads(line) for line in wait_for(partial(read_lines, service, name))]
        assert len(lines) == 1 and lines[0]["code"] == "ok"
        assert lines[0]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    timings = {
        name: float(value)
        for name, value in re.findall(r"(\w+);dur=([\d.]+)", answer.headers["server-timing"])
    }
    assert set(timings) >= {"decode", "detect", "crop", "queue", "infer", "total"}
    assert timings["faces"] + timings["predict"] <= timings["total"] + 0.1
    assert timings["queue"] + timings["infer"] <= timings["predict"] + 0.1


def read_lines(service: Service, part: str) -> list[str]:
    """Read the lines of a log that have a part; the log is written by a thread of its own."""
    return [line for line in service.log.read_text().splitlines() if part in line]


def test_timings_agree_with_the_histograms(predictor):
    face = face_tensor(np.zeros((1, 1, 96, 96), np.uint8))

    def read(name: str) -> float:
        text = requests.get(f"{predictor.url}/metrics").text
        return float(text.partition(f"\n{name} ")[2].split()[0])

    infer = 'landmarks_stage_seconds_sum{service="predictor",stage="infer"}'
    total = 'landmarks_request_seconds_sum{model="unet",service="predictor"}'

    def agree() -> bool:  # once nobody who left in an earlier test is worked for any more
        before, told = (read(infer), read(total)), [0.0, 0.0]
        for _ in range(5):
            answer = requests.post(predictor.url + INFER, json={"inputs": [face]})
            timings = dict(re.findall(r"(\w+);dur=([\d.]+)", answer.headers["server-timing"]))
            told[0] += float(timings["infer"]) / 1000
            told[1] += float(timings["total"]) / 1000
        moved = [read(infer) - before[0], read(total) - before[1]]
        return moved == pytest.approx(told, abs=1e-4)

    wait_for(agree)


def test_a_large_tensor_passes_through_the_transformer(services):
    """12 faces of 512x512 in colour are 9.4 MB: more than a gRPC message is by default."""
    _, transformer = services
    request = encode_request("unet", {"face": np.zeros((12, 3, 512, 512), np.uint8)})
    with grpc.insecure_channel(f"127.0.0.1:{transformer.grpc}") as channel:
        answer = pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=30)
    assert list(answer.outputs[0].shape) == [12, 15, 2]


def test_the_transformer_asks_the_model_that_is_named(services, astronaut):
    _, transformer = services
    headers = {"content-type": "image/jpeg"}
    good = requests.post(transformer.url + INFER + "?model=unet", data=astronaut, headers=headers)
    assert good.status_code == 200
    none = requests.post(transformer.url + INFER + "?model=none", data=astronaut, headers=headers)
    assert none.status_code == 404 and none.json()["code"] == "model_not_found"
    bad = requests.post(transformer.url + INFER + "?model=a/b", data=astronaut, headers=headers)
    assert bad.status_code == 400
