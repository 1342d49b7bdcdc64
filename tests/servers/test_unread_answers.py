"""Who asks for much and does not read it takes a bounded room, for a bounded time."""

import contextlib
import json
import re
import socket
import time

import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from tests.guarding import guards
from tests.hostile.cost import MEGABYTE, read_memory
from tests.servers.raw_http import connect, is_cut, write_request
from tests.servers.raw_http2 import start_call
from tools.processes import Service, find_ports, start_service, wait_ready

FACES = np.zeros((6, 1, 96, 96), np.uint8)  # their heatmaps are 3.3 MB
CALLERS = 12
ROOM = 20 * MEGABYTE
METHOD = "/inference.GRPCInferenceService/ModelInfer"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A predictor that takes 20 MB of bodies and answers, and 3 s for one to be read."""
    ports = find_ports()
    settings = {
        "LANDMARKS_MAX_INFLIGHT_BYTES": str(ROOM),
        "LANDMARKS_ANSWER_SECONDS": "3",
        "LANDMARKS_REQUEST_SECONDS": "4",  # and so old may a gRPC connection be
        "LANDMARKS_DRAIN_SECONDS": "0",
    }
    logs = tmp_path_factory.mktemp("logs")
    service = start_service("predictor", ports.rest, ports.grpc, logs, settings)
    wait_ready(service)
    yield service
    service.stop()
    assert "Traceback" not in service.log.read_text()


def ask_over_rest(service: Service) -> socket.socket:
    """Ask for heatmaps with a small window, and read nothing."""
    head = {
        "inputs": [
            {
                "name": "face",
                "datatype": "UINT8",
                "shape": FACES.shape,
                "parameters": {"binary_data_size": FACES.nbytes},
            }
        ],
        "outputs": [{"name": "heatmaps", "parameters": {"binary_data": True}}],
    }
    text = json.dumps(head).encode()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", service.rest))
    line = f"Inference-Header-Content-Length: {len(text)}"
    connection.sendall(write_request(text + FACES.tobytes(), line))
    return connection


def ask_over_grpc(service: Service) -> socket.socket:
    """Ask for heatmaps with no window at all."""
    request = pb.ModelInferRequest(
        model_name="unet",
        inputs=[
            pb.ModelInferRequest.InferInputTensor(name="face", datatype="UINT8", shape=FACES.shape)
        ],
        outputs=[pb.ModelInferRequest.InferRequestedOutputTensor(name="heatmaps")],
        raw_input_contents=[FACES.tobytes()],
    )
    return start_call(service.grpc, METHOD, request.SerializeToString())


def read_metric(service: Service, pattern: str) -> float:
    text = requests.get(f"{service.url}/metrics", timeout=10).text
    return sum(float(value) for value in re.findall(pattern + r"\S* ([\d.]+)", text))


@guards(
    "serving/rest.py",
    "return InferenceAnswer(content, headers, place.pop_all().close)",
    becomes="return InferenceAnswer(content, headers, lambda: None)",
    name="an answer keeps its place until it is read, over REST",
    case="ask_over_rest",
)
@guards(
    "serving/grpc.py",
    "context.add_done_callback(lambda _: leave())",
    becomes="leave()",
    name="an answer keeps its place until it is read, over gRPC",
    case="ask_over_grpc",
)
@pytest.mark.parametrize("ask", [ask_over_rest, ask_over_grpc])
def test_answers_that_nobody_reads_are_bounded_and_end(narrow, ask):
    refused_before = read_metric(narrow, r'landmarks_requests_total\{code="overloaded"')
    before = read_memory(narrow.process.pid, "VmRSS")
    with contextlib.ExitStack() as connections:
        for _ in range(CALLERS):
            connections.enter_context(ask(narrow))
            time.sleep(0.1)
        time.sleep(1)
        held = read_metric(narrow, "landmarks_inflight_requests")
        refused = read_metric(narrow, r'landmarks_requests_total\{code="overloaded"')
        assert 0 < held < CALLERS and refused > refused_before
        assert read_memory(narrow.process.pid, "VmRSS") - before < 4 * ROOM + 64 * MEGABYTE
        deadline = time.monotonic() + 15
        while read_metric(narrow, "landmarks_inflight_requests"):
            assert time.monotonic() < deadline, "the places are not given back"
            time.sleep(0.1)
    answer = requests.post(
        f"{narrow.url}/v2/models/unet/infer",
        json={
            "inputs": [
                {"name": "face", "datatype": "UINT8", "shape": [1, 1, 16, 16], "data": [0] * 256}
            ]
        },
        timeout=10,
    )
    assert answer.ok


@guards("serving/rest_answers.py", "if answers == self.answers:", becomes="if False:")
def test_who_reads_nothing_is_cut_off(narrow):
    with ask_over_rest(narrow) as connection:
        time.sleep(6)
        assert is_cut(connection, 5)
    with connect(narrow) as connection:  # short answers, too
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        time.sleep(9)
        assert is_cut(connection, 5)


def test_who_reads_slowly_gets_it_all(narrow):
    with ask_over_rest(narrow) as connection:
        received = 0
        begun = time.monotonic()
        while received < len(FACES) * 15 * 96 * 96 * 4:
            part = connection.recv(2**20)
            assert part, f"cut off after {received} bytes"
            received += len(part)
            if time.monotonic() - begun < 1.5:
                time.sleep(0.05)
