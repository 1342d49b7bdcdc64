"""Faults under load: callers who leave, bad items, a predictor that is killed or replaced."""

import asyncio
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import grpc.aio
import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from serving.grpc.codec import decode_response
from tests.support.load import FACE, INFLIGHT, Load, make_request, read_metric, wait_for
from tools.processes import find_ports, start_service, wait_ready
from tools.v2_json import image_tensor

QUICK = {"LANDMARKS_DRAIN_SECONDS": "0.5", "LANDMARKS_MODEL": "models/student_unet.pth"}
FOUND_AGAIN = 1.2  # seconds: the transformer finds a predictor that is back within one


async def ask(stub, request, limit: asyncio.Semaphore) -> np.ndarray:
    async with limit:
        answer = await stub.ModelInfer(request, timeout=60)
        return decode_response(answer)["landmarks"]


async def leave(stub, request, limit: asyncio.Semaphore, seconds: float) -> None:
    async with limit:
        call = stub.ModelInfer(request, timeout=60)
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
        alone = [await ask(stub, make_request(face), limit) for face in faces]
        good = [ask(stub, make_request(faces[i % 8]), limit) for i in range(1000)]
        if fault == "bad":
            faults: list = [ask(stub, bad, limit) for _ in range(1000)]
        else:
            times = rng.uniform(0, 0.05, 1000)
            faults = [leave(stub, make_request(), limit, seconds) for seconds in times]
        mixed = [call for pair in zip(good, faults, strict=True) for call in pair]
        async with asyncio.timeout(60):
            results = await asyncio.gather(*mixed, return_exceptions=True)
    for i, result in enumerate(results[0::2]):
        assert isinstance(result, np.ndarray), result
        np.testing.assert_allclose(result, alone[i % 8], atol=0.01)
    if fault == "bad":
        codes = {error.code() for error in results[1::2] if isinstance(error, grpc.RpcError)}
        assert codes == {grpc.StatusCode.INVALID_ARGUMENT}
    assert await asyncio.to_thread(read_metric, predictor, "landmarks_queued_faces") == 0
    assert await asyncio.to_thread(read_metric, predictor, INFLIGHT) == 0


@pytest.fixture(scope="module")
def trio(tmp_path_factory):
    """Two predictors behind one transformer."""
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
    if ended:
        time.sleep(FOUND_AGAIN)
    return trio, restart


def test_a_killed_predictor_is_503_at_once_and_back_within_five_seconds(pair, astronaut):
    running, restart = pair
    with Load(running["t"], astronaut) as load:
        wait_for(lambda: len(load.answers) > 8, 60)
        assert {code for _, code, _ in load.answers} == {"ok"}
        for name in "ab":
            running[name].process.kill()
        for name in "ab":
            running[name].process.wait()
        killed = time.monotonic()
        dead = wait_for(lambda: load.since(killed + 0.2)[8:], 30)
        assert {code for _, code, _ in dead} == {"predictor_unavailable"}
        assert max(seconds for _, _, seconds in dead) < 1.0
        assert requests.get(f"{running['t'].url}/v2/models/unet/ready").status_code == 200
        assert requests.get(f"{running['t'].url}/v2/health/live").status_code == 200
        restart("a")
        wait_ready(running["a"])
        back = time.monotonic()
        answered = wait_for(lambda: [a for a in load.since(back) if a[1] == "ok"], 15)
        assert answered[0][0] - back < 5  # asked within that time, and answered
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
            time.sleep(FOUND_AGAIN)
        assert len(load.answers) > 12
    assert {code for _, code, _ in load.answers} == {"ok"}, load.messages


def test_one_of_two_predictors_dies_and_hardly_anyone_notices(pair, astronaut):
    running, _ = pair
    with Load(running["t"], astronaut, callers=2, crowds=4) as load:
        wait_for(lambda: len(load.answers) > 4, 60)
        running["a"].process.kill()
        killed = time.monotonic()
        wait_for(lambda: len(load.since(killed)) > 20, 60)
    codes = {code for _, code, _ in load.answers}
    assert codes == {"ok"}, load.messages  # the retry went to the other


def test_of_two_predictors_one_hangs_and_the_other_carries_on(pair, astronaut):
    """Within 15 s the hung one is left, and the other gives what it gives alone."""
    running, _ = pair
    with Load(running["t"], astronaut, callers=8) as load:

        def count_answers(seconds: float = 10) -> int:
            begun = time.monotonic()
            time.sleep(seconds)
            return sum(code == "ok" for _, code, _ in load.since(begun))

        running["a"].process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(15)
            beside = count_answers()
            running["a"].process.kill()  # which is seen at once
            time.sleep(2)
            alone = count_answers()
        finally:
            running["a"].process.send_signal(signal.SIGCONT)
    assert beside >= 0.8 * alone > 0, (beside, alone)


async def test_grpc_calls_in_flight_are_answered_when_a_service_stops(tmp_path):
    ports = find_ports()
    at_once = QUICK | {"LANDMARKS_DRAIN_SECONDS": "0"}
    predictor = start_service("predictor", ports.rest, ports.grpc, tmp_path, at_once)
    wait_ready(predictor)
    many = make_request(np.repeat(FACE, 200, axis=0))
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{ports.grpc}") as channel:
            stub = pb_grpc.GRPCInferenceServiceStub(channel)
            calls = [asyncio.create_task(call(stub, many)) for _ in range(5)]
            await asyncio.to_thread(wait_for, lambda: read_metric(predictor, INFLIGHT) >= 5, 30)
            predictor.process.send_signal(signal.SIGTERM)
            assert await asyncio.gather(*calls) == [[200, 15, 2]] * 5
        assert predictor.process.wait(30) == 0
    finally:
        predictor.stop()


async def call(stub, request: pb.ModelInferRequest) -> list[int]:
    return list((await stub.ModelInfer(request, timeout=60)).outputs[0].shape)


def test_rest_calls_in_flight_are_answered_when_a_service_stops(tmp_path, predictor, astronaut):
    """Of 30 pictures each, so that most are still to be given to a worker when it stops."""
    ports = find_ports()
    settings = {
        "LANDMARKS_PREDICTOR": f"127.0.0.1:{predictor.grpc}",
        "LANDMARKS_DRAIN_SECONDS": "0",
    }
    transformer = start_service("transformer", ports.rest, ports.grpc, tmp_path, settings)
    tensor = image_tensor(*[astronaut] * 30)
    url = f"{transformer.url}/v2/models/unet/infer"
    inflight = INFLIGHT.replace("predictor", "transformer")
    try:
        wait_ready(transformer)
        with ThreadPoolExecutor(3) as threads:
            calls = [threads.submit(requests.post, url, json={"inputs": [tensor]}) for _ in "abc"]
            wait_for(lambda: read_metric(transformer, inflight) >= 3, 30)
            transformer.process.send_signal(signal.SIGTERM)
            answers = [call.result() for call in calls]
        assert [answer.status_code for answer in answers] == [200] * 3, answers[0].text[:300]
        assert transformer.process.wait(30) == 0
    finally:
        transformer.stop()


def test_overload_is_429_and_what_is_taken_is_answered(tmp_path, predictor, astronaut):
    ports = find_ports()
    settings = {
        "LANDMARKS_PREDICTOR": f"127.0.0.1:{predictor.grpc}",
        "LANDMARKS_MAX_INFLIGHT": "4",
        "LANDMARKS_DRAIN_SECONDS": "0",
    }
    transformer = start_service("transformer", ports.rest, ports.grpc, tmp_path, settings)
    try:
        wait_ready(transformer)
        with Load(transformer, astronaut, callers=16) as load:
            wait_for(lambda: len([a for a in load.answers if a[1] == "ok"]) > 10, 60)
        codes = [code for _, code, _ in load.answers]
        assert set(codes) == {"ok", "overloaded"}
        refused = [seconds for _, code, seconds in load.answers if code == "overloaded"]
        assert sorted(refused)[len(refused) // 2] < 0.5
    finally:
        transformer.stop()
