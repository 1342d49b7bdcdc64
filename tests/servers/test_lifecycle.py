"""Services that start, lose each other, drain and stop."""

import contextlib
import signal
import threading
import time

import pytest
import requests

from client import ServiceError, locate
from tools.processes import Service, find_ports, start_service, wait_ready


@pytest.fixture
def logs(tmp_path):
    return tmp_path


def test_without_a_predictor_the_transformer_says_so(logs, astronaut):
    ports = find_ports()
    settings = {"LANDMARKS_PREDICTOR": f"127.0.0.1:{ports.predictor_grpc}"}
    transformer = start_service("transformer", ports.rest, ports.grpc, logs, settings)
    try:
        wait_live(transformer)
        assert requests.get(f"{transformer.url}/v2/models/unet/ready").status_code == 503
        with pytest.raises(ServiceError) as caught:
            locate(astronaut, transformer.url)
        assert caught.value.code == "predictor_unavailable"
        predictor = start_service("predictor", ports.predictor_rest, ports.predictor_grpc, logs, {})
        try:
            wait_ready(predictor)
            wait_ready(transformer, 5)
            assert len(locate(astronaut, transformer.url)) == 1
        finally:
            predictor.stop()
    finally:
        transformer.stop()


def wait_live(service: Service) -> None:
    for _ in range(600):
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{service.url}/v2/health/live", timeout=1).ok:
                return
        time.sleep(0.05)
    raise AssertionError(service.tail_log())


def test_sigterm_drains_before_it_stops(logs, predictor, astronaut):
    ports = find_ports()
    settings = {
        "LANDMARKS_PREDICTOR": f"127.0.0.1:{predictor.grpc}",
        "LANDMARKS_DRAIN_SECONDS": "2",
    }
    transformer = start_service("transformer", ports.rest, ports.grpc, logs, settings)
    wait_ready(transformer)
    failures: list[Exception] = []
    answers = 0
    stop = threading.Event()

    def ask() -> None:
        nonlocal answers
        while not stop.is_set():
            try:
                locate(astronaut, transformer.url)
                answers += 1
            except ServiceError as error:
                failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        time.sleep(0.3)
        transformer.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert requests.get(f"{transformer.url}/v2/models/unet/ready").status_code == 503
        before = answers
        time.sleep(0.7)
        assert answers > before and not failures  # not ready, but it still serves
        stop.set()
        thread.join()
        assert transformer.process.wait(20) == 0
        assert not failures
    finally:
        stop.set()
        thread.join()
        transformer.stop()


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"LANDMARKS_MAX_INFLIGHT": "many"}, "LANDMARKS_MAX_INFLIGHT"),
        ({"LANDMARKS_MODEL": "models/none.pth"}, "models/none.pth"),
        ({"LANDMARKS_ENGINE": "abacus"}, "abacus"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_a_sentence(logs, settings, sentence):
    ports = find_ports()
    predictor = start_service("predictor", ports.rest, ports.grpc, logs, settings)
    assert predictor.process.wait(60) == 1
    lines = predictor.log.read_text().splitlines()
    assert sentence in lines[-1] and "Traceback" not in predictor.log.read_text()
