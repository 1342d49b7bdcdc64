"""Who asks for much and does not read it takes a bounded room, for a bounded time."""

import contextlib
import json
import socket
import threading
import time

import numpy as np
import pytest

from serving.grpc.codec import encode_request
from tests.support.ask import ask_rest
from tests.support.hostile.cost import MEGABYTE, Meter, count_patience, read_memory
from tests.support.load import sum_metric, wait_for
from tests.support.raw_http import write_request
from tests.support.raw_http2 import start_call
from tools.processes import Service
from tools.v2_json import face_tensor, pack_faces

FACES = np.zeros((6, 1, 96, 96), np.uint8)
LARGE = np.zeros((32, 1, 96, 96), np.uint8)
HEATMAPS = len(FACES) * 15 * 96 * 96 * 4  # 3.3 MB
CALLERS = 12
ROOM = 8 * MEGABYTE


@pytest.fixture(scope="module")
def narrow(start_own) -> Service:
    """A predictor that takes 8 MB of bodies and answers, and 3 s for one to be read.

    A gRPC connection may be as old as a request.
    """
    bytes_of_it = {"max_inflight_bytes": str(ROOM), "max_body_bytes": str(MEGABYTE)}
    return start_own("predictor", answer_seconds="3", request_seconds="4", **bytes_of_it)


def connect_small() -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return connection


def ask_over_rest(service: Service) -> socket.socket:
    body, headers = pack_faces(FACES, outputs=[{"name": "heatmaps"}])
    connection = connect_small()
    connection.connect(("127.0.0.1", service.rest))
    connection.sendall(write_request(body, *(f"{name}: {headers[name]}" for name in headers)))
    return connection


def send_aside(service: Service, request: bytes) -> socket.socket:
    connection = connect_small()

    def send() -> None:
        with contextlib.suppress(OSError):
            connection.connect(("127.0.0.1", service.rest))
            connection.sendall(request)

    threading.Thread(target=send).start()
    return connection


def ask_over_grpc(service: Service) -> socket.socket:
    """Ask for heatmaps with no window at all."""
    request = encode_request("unet", {"face": FACES}, ["heatmaps"])
    return start_call(service.grpc, request.SerializeToString())


@pytest.mark.parametrize("ask", [ask_over_rest, ask_over_grpc])
def test_answers_that_nobody_reads_are_bounded_and_end(narrow, ask):
    refusals = r'landmarks_requests_total\{code="overloaded"'
    refused = sum_metric(narrow, refusals)
    ended = sum_metric(narrow, "landmarks_requests_total") + CALLERS
    before = read_memory(narrow.process.pid, "VmRSS")
    with contextlib.ExitStack() as connections:
        for _ in range(CALLERS):
            connections.enter_context(ask(narrow))
        wait_for(lambda: sum_metric(narrow, "landmarks_requests_total") >= ended)
        assert sum_metric(narrow, refusals) > refused
        assert read_memory(narrow.process.pid, "VmRSS") - before < 4 * ROOM + 64 * MEGABYTE
        wait_for(lambda: not sum_metric(narrow, "landmarks_inflight_requests"))
    assert ask_rest(narrow, {"face": FACES[:1]})


def test_who_reads_slowly_gets_it_all(predictor):
    """It has 20 s."""
    with ask_over_rest(predictor) as connection:
        left = HEATMAPS
        for _ in range(30):
            left -= len(connection.recv(2**10))
            time.sleep(0.05)
        connection.settimeout(60)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)  # or it takes minutes
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, 2**20)
        while left > 0:
            part = connection.recv(65536)
            assert part, f"{left} bytes never came"
            left -= len(part)


def test_live_is_answered_beside_many_who_read_nothing(predictor):
    """120 post 600 kB of JSON each; what the machine delays is not delayed three times."""
    body = json.dumps({"inputs": [face_tensor(LARGE)], "outputs": [{"name": "heatmaps"}]})
    request = write_request(body.replace(" ", "").encode())
    patience, waits = count_patience(), list[float]()
    while not waits or (waits[-1] > patience and len(waits) < 3):
        meter = Meter([], [predictor.rest])
        time.sleep(1)
        with contextlib.ExitStack() as connections:
            for _ in range(120):
                connections.enter_context(send_aside(predictor, request))
            time.sleep(5)
        waits.append(max(seconds for _, seconds, _ in meter.stop()))
    assert min(waits) < patience, waits
