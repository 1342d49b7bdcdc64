"""Services that start, lose each other, drain and stop."""

import contextlib
import signal
import time

import grpc
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from client import ServiceError, locate
from tests.support.load import CROWD, INFLIGHT, Load, count_done, wait_begun, wait_for, wait_live
from tests.support.raw_http import connect, write_request
from tools.processes import find_ports, start_service, wait_ready

STUDENT = "models/student_unet.pth"  # quicker


def test_without_a_predictor_the_transformer_says_so(tmp_path, astronaut):
    ports = find_ports()
    settings = {"LANDMARKS_PREDICTOR": f"127.0.0.1:{ports.predictor_grpc}"}
    with contextlib.ExitStack() as running:
        transformer = start_service("transformer", ports.rest, ports.grpc, tmp_path, settings)
        running.callback(transformer.stop)
        wait_live(transformer)
        assert requests.get(f"{transformer.url}/v2/models/unet/ready").status_code == 503
        with pytest.raises(ServiceError) as caught:
            locate(astronaut, transformer.url)
        assert caught.value.code == "predictor_unavailable"
        own = ports.predictor_rest, ports.predictor_grpc
        predictor = start_service("predictor", *own, tmp_path, {"LANDMARKS_MODEL": STUDENT})
        running.callback(predictor.stop)
        wait_ready(predictor)
        wait_ready(transformer)
        assert len(locate(astronaut, transformer.url)) == 1


def test_sigterm_drains_before_it_stops(start_transformer, astronaut):
    transformer = start_transformer(drain_seconds="90")
    with Load(transformer, astronaut, callers=1) as load:
        wait_for(lambda: load.answers)
        transformer.process.send_signal(signal.SIGTERM)
        ready = f"{transformer.url}/v2/models/unet/ready"
        wait_for(lambda: requests.get(ready).status_code == 503)
        before = time.monotonic()
        wait_for(lambda: load.since(before))  # not ready, but it still serves
    assert {code for _, code, _ in load.answers} == {"ok"}
    transformer.process.send_signal(signal.SIGTERM)  # which cuts it short
    assert transformer.process.wait(60) == 0


def test_a_stop_with_odd_connections_open(start_own):
    """Whatever is connected: calls under way are answered, exit code 0, nothing to explain."""
    times = {"drain_seconds": "0.3", "stop_seconds": "90", "answer_seconds": "1"}
    service = start_own("predictor", model=STUDENT, **times)
    odd = [
        b"",
        b"POST /v2/models/unet/infer HTTP/1.1\r\nHo",
        write_request(b"{}", "Connection: Upgrade", "Upgrade: websocket"),
        write_request(b"{}", "Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AA"),
        write_request(b"").replace(b"Length: 0", b"Length: 9"),
        b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 500,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\1\2\3",
    ]
    with contextlib.ExitStack() as stack:
        for data in odd:
            stack.enter_context(connect(service)).sendall(data)
        channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{service.grpc}"))
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        stub.ModelInfer(CROWD, timeout=60)
        calls = [stub.ModelInfer.future(CROWD, timeout=60) for _ in range(4)]
        wait_begun(service, INFLIGHT, calls)
        service.process.send_signal(signal.SIGTERM)
        assert [call.code().name for call in calls] == ["OK"] * 4
        assert service.process.wait(120) == 0
    assert '"stopped"' in service.log.read_text()


def test_signals_during_a_stop_end_no_call(start_own):
    """uvicorn, once it has ended, would hand the signals back to what kills the process."""
    service = start_own("predictor", model=STUDENT, stop_seconds="90")
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc}") as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        stub.ModelInfer(CROWD, timeout=60)
        calls = [stub.ModelInfer.future(CROWD, timeout=60) for _ in range(12)]
        wait_begun(service, INFLIGHT, calls)
        while not count_done(calls):  # they take turns, so that they end together
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        assert [call.code().name for call in calls] == ["OK"] * 12
    assert service.process.wait(120) == 0
