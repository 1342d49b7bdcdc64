"""Many callers at once: who shares, comes back later, leaves, or does not read."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import grpc.aio
import httpx
import numpy as np
import pytest

from serving.cpus import count_cpus
from serving.grpc.codec import encode_request
from tests.support.ask import JPEG, ask_rest, infer_url
from tests.support.hostile.cost import MEGABYTE, Meter, count_patience, read_memory
from tests.support.load import count_answered, sum_metric, wait_for
from tests.support.raw_http import METHOD, start_call, write_request
from tools.processes import Service
from tools.v2_json import face_tensor, pack_faces

COUNT, HERD = 24, 250
PATIENCE, WAVES, WAVE = 1.0, 4, 100 * count_cpus()  # seconds of a caller; waves, and callers in one
RUN = "landmarks_batch_faces_sum"  # faces that the network was run for, whoever waited


async def ask_at_once(service: Service, picture: bytes, count: int) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=120, trust_env=False, limits=limits) as client:
        return await asyncio.gather(
            *(client.post(infer_url(service), content=picture, headers=JPEG) for _ in range(count))
        )


async def test_pictures_that_wait_share_calls(predictor, transformer, astronaut):
    def read(answer: httpx.Response) -> list[float]:
        return answer.json()["outputs"][0]["data"]

    (alone,) = map(read, await ask_at_once(transformer, astronaut, 1))
    before = count_answered(predictor)
    for answer in await ask_at_once(transformer, astronaut, COUNT):  # by another kernel, perhaps
        assert read(answer) == pytest.approx(alone, abs=0.5)
    assert 0 < count_answered(predictor) - before < COUNT


async def test_a_herd_is_answered_or_told_to_come_back(start_transformer, astronaut):
    """What can't be had in a request's time is refused before its end; there is room for all."""
    service = start_transformer(request_seconds="1")
    await ask_at_once(service, astronaut, 1)
    answers = await ask_at_once(service, astronaut, HERD)
    codes = Counter(answer.status_code for answer in answers)
    assert codes[200] and codes[504] < codes[429] and set(codes) <= {200, 429, 504}, codes
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)


async def ask_over_rest(service: Service, picture: bytes) -> bool:
    """Ask once on a connection of its own; return whether the answer came in time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.rest)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(write_request(picture, "Content-Type: image/jpeg"))
            return (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    except (TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        writer.close()


async def ask_over_grpc(service: Service, picture: bytes) -> bool:
    """Ask once, and cancel: no deadline tells the service how long the caller waits."""
    message = encode_request("unet", {"image": [picture]}).SerializeToString()
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{service.grpc}", options) as channel:
        call = channel.unary_unary(METHOD)(message)
        try:
            async with asyncio.timeout(PATIENCE):
                await call
        except (TimeoutError, grpc.aio.AioRpcError):
            return False
        finally:
            call.cancel()
        return True


Ask = Callable[[Service, bytes], Awaitable[bool]]


@pytest.mark.parametrize("ask", [ask_over_rest, ask_over_grpc])
async def test_a_storm_of_the_impatient(predictor, transformer, astronaut, ask: Ask):
    """For those who left no more is worked than what was in hand as they did."""
    before, in_time = sum_metric(predictor, RUN), 0
    for _ in range(WAVES):
        in_time += sum(await asyncio.gather(*(ask(transformer, astronaut) for _ in range(WAVE))))
    await asyncio.sleep(1)
    worked = sum_metric(predictor, RUN) - before
    print(f"{WAVES * WAVE} asked, {in_time} answered in time, {worked:.0f} worked for")
    assert worked <= in_time + WAVES * 6 * count_cpus()  # with workers, in calls, on their way


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


def ask_unread_rest(service: Service) -> socket.socket:
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


def ask_unread_grpc(service: Service) -> socket.socket:
    """Ask for heatmaps with no window at all."""
    request = encode_request("unet", {"face": FACES}, ["heatmaps"])
    return start_call(service.grpc, request.SerializeToString())


@pytest.mark.parametrize("ask", [ask_unread_rest, ask_unread_grpc])
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
    with ask_unread_rest(predictor) as connection:
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
