"""Faults and stops under load: callers who leave, a predictor that is killed, a drain."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import grpc
import grpc.aio
import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from serving.grpc.codec import decode_response
from tests.support.ask import ask_rest, infer_url
from tests.support.load import (
    CROWD,
    FACE,
    INFLIGHT,
    Load,
    count_answered,
    count_done,
    make_request,
    read_metric,
    wait_begun,
    wait_for,
)
from tests.support.raw_http import connect, write_request
from tools.processes import find_ports, start_service, wait_ready
from tools.v2_json import image_tensor

STUDENT = "models/student_unet.pth"
COUNT = 1000  # calls of each kind
QUICK = {"LANDMARKS_DRAIN_SECONDS": "0.5", "LANDMARKS_MODEL": STUDENT}
T = TypeVar("T")


async def ask(stub, request) -> np.ndarray:
    return decode_response(await stub.ModelInfer(request, timeout=300))["landmarks"]


async def take_turn(limit: asyncio.Semaphore, call: Awaitable[T]) -> T:
    async with limit:
        return await call


async def leave(stub, seconds: float) -> None:
    call = stub.ModelInfer(make_request(), timeout=60)
    await asyncio.sleep(seconds)
    call.cancel()


@pytest.mark.parametrize("fault", ["cancelled", "bad"])
async def test_a_thousand_faults_among_a_thousand_good_calls(predictor, fault):
    """0 good ones are harmed: each gets its own answer, the one it gets alone."""
    rng = np.random.default_rng(3)
    faces = [np.roll(FACE, int(n), axis=3) for n in rng.integers(0, 96, 8)]
    bad = make_request(np.full((1, 1, 96, 96), np.nan, np.float32))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{predictor.grpc}") as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        limit = asyncio.Semaphore(100)
        alone = [await ask(stub, make_request(face)) for face in faces]
        good = [ask(stub, make_request(faces[i % 8])) for i in range(COUNT)]
        times = rng.uniform(0, 0.05, COUNT)
        faults: list = [ask(stub, bad) if fault == "bad" else leave(stub, s) for s in times]
        pairs = zip(good, faults, strict=True)
        mixed = [take_turn(limit, call) for pair in pairs for call in pair]
        async with asyncio.timeout(300):
            results = await asyncio.gather(*mixed, return_exceptions=True)
    for i, result in enumerate(results[0::2]):
        assert isinstance(result, np.ndarray), result
        np.testing.assert_allclose(result, alone[i % 8], atol=0.01)
    if fault == "bad":
        codes = {error.code() for error in results[1::2] if isinstance(error, grpc.RpcError)}
        assert codes == {grpc.StatusCode.INVALID_ARGUMENT}
    for name in ("landmarks_queued_faces", INFLIGHT):
        await asyncio.to_thread(wait_for, lambda name=name: not read_metric(predictor, name))


@pytest.fixture(scope="module")
def trio(tmp_path_factory):
    ports, other, logs = find_ports(), find_ports(), tmp_path_factory.mktemp("logs")
    running = {
        "a": start_service("predictor", ports.predictor_rest, ports.predictor_grpc, logs, QUICK),
        "b": start_service("predictor", other.rest, other.grpc, logs / "b", QUICK),
    }
    target = f"ipv4:127.0.0.1:{running['a'].grpc},127.0.0.1:{running['b'].grpc}"
    settings = {"LANDMARKS_PREDICTOR": target, "LANDMARKS_DRAIN_SECONDS": "0"}
    running["t"] = start_service("transformer", ports.rest, ports.grpc, logs, settings)
    yield running
    for service in running.values():
        service.stop()


def wait_found(running, name: str) -> None:
    """Wait until the transformer asks a predictor that has been started."""

    def look() -> bool:
        with contextlib.suppress(AssertionError):  # one call each, in turns
            ask_rest(running["t"], {"face": FACE})
        return count_answered(running[name]) > 0

    wait_for(look)


@pytest.fixture
def pair(trio):
    """The same with a way to restart one; tests stop and start what they like."""

    def restart(name: str) -> None:
        old = trio[name]
        trio[name] = start_service("predictor", old.rest, old.grpc, old.log.parent, QUICK)

    ended = [name for name in "abt" if trio[name].process.poll() is not None]
    assert "t" not in ended, "the transformer ended"
    for name in ended:  # in an earlier test
        restart(name)
    for service in trio.values():
        wait_ready(service)
    for name in "ab":
        wait_found(trio, name)
    return trio, restart


def test_killed_predictors_are_503_and_one_that_is_back_is_found(pair, astronaut):
    running, restart = pair
    with Load(running["t"], astronaut) as load:
        wait_for(lambda: len(load.answers) > 8, 60)
        assert {code for _, code, _ in load.answers} == {"ok"}
        for name in "ab":
            running[name].process.kill()
            running[name].process.wait()
        killed = time.monotonic()
        dead = wait_for(lambda: load.since(killed + 0.2)[8:], 30)
        assert {code for _, code, _ in dead} == {"predictor_unavailable"}
        assert max(seconds for _, _, seconds in dead) < 15  # not at the end of a request's time
        assert requests.get(f"{running['t'].url}/v2/models/unet/ready").status_code == 200
        assert requests.get(f"{running['t'].url}/v2/health/live").status_code == 200
        restart("a")
        wait_ready(running["a"])
        back = time.monotonic()
        answered = wait_for(lambda: [a for a in load.since(back) if a[1] == "ok"])
        wait_for(lambda: len(load.since(answered[0][0] + 1)) > 4, 60)
        assert {code for _, code, _ in load.since(answered[0][0] + 1)} == {"ok"}
    assert {code for _, code, _ in load.answers} <= {"ok", "predictor_unavailable"}


def test_a_rolling_restart_of_the_predictors_fails_no_request(pair, astronaut):
    running, restart = pair
    with Load(running["t"], astronaut, callers=2, crowds=4) as load:
        wait_for(lambda: len(load.answers) > 4, 60)
        for name in "ab":
            running[name].process.send_signal(signal.SIGTERM)
            assert running[name].process.wait(30) == 0
            restart(name)
            wait_ready(running[name])
            wait_found(running, name)
    assert {code for _, code, _ in load.answers} == {"ok"}, load.messages


def test_one_of_two_predictors_dies_and_hardly_anyone_notices(pair, astronaut):
    running, _ = pair
    with Load(running["t"], astronaut, callers=2, crowds=4) as load:
        wait_for(lambda: len(load.answers) > 4, 60)
        running["a"].process.kill()
        killed = time.monotonic()
        wait_for(lambda: len(load.since(killed)) > 20, 60)
    assert {code for _, code, _ in load.answers} == {"ok"}, load.messages  # the other was asked


def test_of_two_predictors_one_hangs_and_the_other_carries_on(pair, astronaut):
    """Its calls come back within their time, 30 s, and are made again: after 13 s, not 60."""
    running, _ = pair
    with Load(running["t"], astronaut, callers=8) as load:
        wait_for(lambda: len(load.answers) > 8)
        running["a"].process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(20)
            left = time.monotonic()
            wait_for(lambda: len(load.since(left)) > 40, 300)
        finally:
            running["a"].process.kill()
            running["a"].process.wait()
    assert {code for _, code, _ in load.answers} == {"ok"}, load.messages


def test_rest_calls_in_flight_are_answered_when_a_service_stops(start_transformer, astronaut):
    """Of 30 pictures each, so that most are still to be given to a worker when it stops."""
    service = start_transformer(stop_seconds="90", request_seconds="90")
    body, url = {"inputs": [image_tensor(*[astronaut] * 30)]}, infer_url(service)
    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(requests.post, url, json=body) for _ in "abc"]
        wait_begun(service, INFLIGHT.replace("predictor", "transformer"), calls)
        service.process.send_signal(signal.SIGTERM)
        answers = [call.result() for call in calls]
    assert [answer.status_code for answer in answers] == [200] * 3, answers[0].text[:300]
    assert service.process.wait(120) == 0


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
    """Whatever is connected: calls under way are answered, exit code 0, nothing to explain.

    Nor do more signals end a call: uvicorn, once it has ended, would hand them back to what kills.
    """
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
        calls = [stub.ModelInfer.future(CROWD, timeout=60) for _ in range(8)]
        wait_begun(service, INFLIGHT, calls)
        while not count_done(calls):  # they take turns, so that they end together
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        assert [call.code().name for call in calls] == ["OK"] * 8
        assert service.process.wait(120) == 0
    assert '"stopped"' in service.log.read_text()
