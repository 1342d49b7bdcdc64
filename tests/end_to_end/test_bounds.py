"""Each bound of the table in docs/security.md that both doors have holds at both."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
import requests

from serving.admission import UPLOADS
from serving.grpc.codec import encode_request
from tests.support import raw_http as h2
from tests.support.hostile.cost import MEGABYTE
from tests.support.load import count_answered, sum_metric, wait_for
from tests.support.raw_http import ask, connect, is_cut, is_held, read_answer, write_request
from tools.processes import ROOT, Service
from tools.v2_json import pack_faces

FACES = np.zeros((4, 1, 96, 96), np.uint8)
LARGEST, CALLS, PLACES = MEGABYTE, 8, 2
SETTINGS_OF_IT = {
    "HEAD_SECONDS": "1",
    "BODY_SECONDS": "2",
    "ANSWER_SECONDS": "2",
    "REQUEST_SECONDS": "4",
    "MAX_BODY_BYTES": str(LARGEST),
    "MAX_INFLIGHT": str(CALLS),
    "MAX_INFLIGHT_BYTES": str(PLACES * LARGEST),
}
TABLE = (ROOT / "docs/security.md").read_text().partition("| what | over REST | over gRPC |")[2]


@pytest.fixture(scope="module")
def strict(start_own) -> Service:
    return start_own("predictor", **SETTINGS_OF_IT)


def call(service: Service, messages, metadata=(), timeout: float = 60) -> str:
    """Make a call of any number of messages; return the catalogue's code, or gRPC's."""
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc}") as channel:
        try:
            channel.stream_unary(h2.METHOD)(iter(messages), timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            told = dict(error.trailing_metadata() or ())
            return told.get("landmarks-error-code", error.code().name)
    return "ok"


def wait_long() -> Iterator[bytes]:
    """Give no message for longer than anything may take."""
    threading.Event().wait(60)
    yield b""


def write_faces(faces: np.ndarray, *outputs: str) -> bytes:
    return encode_request("unet", {"face": faces}, outputs).SerializeToString()


def check_silence_rest(service: Service) -> None:
    live = write_request(b"", method="GET", path="/v2/health/live")
    for first, then in (
        (b"", b""),
        (b"POST / HTTP/1.1\r\n", b""),
        (live, b"GET / HTTP"),
        (live, b"\r\n"),
        (live + b"GET / HTTP", b""),  # behind a request, in one packet
    ):
        with connect(service) as connection:
            connection.sendall(first)
            if first.startswith(live):
                assert read_answer(connection)[0] == 200
            connection.sendall(then)
            assert is_cut(connection)


def check_silence_grpc(service: Service) -> None:
    ready = h2.PREFACE + h2.write_frame(h2.SETTINGS, 0, 0, b"")
    half = ready + h2.write_frame(h2.HEADERS, 0, 1, h2.write_header("a", "b"))
    for data in (b"", h2.PREFACE, ready, half):
        with socket.create_connection(("127.0.0.1", service.grpc)) as connection:
            connection.sendall(data)
            assert is_cut(connection)


def check_head_rest(service: Service) -> None:
    assert ask(service, write_request(b"", "x: " + "v" * 70_000))[0] == 431


def check_head_grpc(service: Service) -> None:
    for lines, code in ((10, "head_too_large"), (30, "RESOURCE_EXHAUSTED")):  # ours, and gRPC's
        metadata = [(f"x-{i}", "v" * 7000) for i in range(lines)]
        assert call(service, [write_faces(FACES)], metadata) == code


def check_size_rest(service: Service) -> None:
    assert ask(service, write_request(bytes(LARGEST + 1)))[0] == 413


def check_size_grpc(service: Service) -> None:
    assert call(service, [bytes(LARGEST + 70_000)]) == "RESOURCE_EXHAUSTED"


def check_time_rest(service: Service) -> None:
    for offer in ((), ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")):
        with connect(service) as connection:
            connection.sendall(write_request(bytes(100), *offer)[:-1])
            assert read_answer(connection)[0] == 408
    with connect(service) as connection:  # what is refused has no longer to end
        connection.sendall(write_request(bytes(LARGEST + 1))[:-1])
        assert read_answer(connection)[0] == 413 and is_cut(connection)


def check_time_grpc(service: Service) -> None:
    assert call(service, wait_long()) == "request_timeout"


def check_bytes_rest(service: Service) -> None:
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(service)) for _ in range(2 * PLACES)]
        for connection in connections:
            connection.sendall(write_request(bytes(LARGEST))[:-1])
        codes = [read_answer(connection)[0] for connection in connections]
    assert codes.count(429) >= PLACES


def check_bytes_grpc(service: Service) -> None:
    connection = h2.Connection(service.grpc)
    with connection.socket:
        for _ in range(2 * CALLS):  # which would open its windows, if it probed
            connection.call(bytes(LARGEST))
            while connection.send():
                pass
        before = [*connection.left]
        for _ in range(CALLS):
            connection.call(bytes(LARGEST), missing=1)
        slow, held = [stream for stream in connection.left if stream not in before], 0
        for _ in range(20_000):  # some 20 s at least
            connection.send()  # until slow ones are answered, and give their memory to others
            waiting = [stream for stream in slow if stream not in connection.answered]
            held = max(held, sum(LARGEST - len(connection.left[stream]) for stream in waiting))
            if len(waiting) < CALLS:
                break
    assert held < (2 * PLACES + 1) * LARGEST and len(waiting) < CALLS


def check_inflight_rest(service: Service) -> None:
    def crowd() -> bool:  # for as long as bodies may take
        with contextlib.ExitStack() as stack:
            for _ in range(UPLOADS * CALLS):  # bodies that arrive are counted apart
                stack.enter_context(connect(service)).sendall(write_request(bytes(100))[:-1])
            return ask(service, write_request(b"{}"))[0] == 429

    wait_for(crowd)


def check_inflight_grpc(service: Service) -> None:
    def crowd() -> bool:  # for a second: then the slow ones make room
        connection = h2.Connection(service.grpc)
        with connection.socket:
            for _ in range(CALLS + 1):
                connection.call(bytes(100), missing=1)
            wait_for(lambda: connection.send() is not None and connection.answered)
            assert connection.max_streams == CALLS + 32
            return connection.answered[0] == 2 * CALLS + 1  # the last one, before all others

    wait_for(crowd)


def check_unread_rest(service: Service) -> None:
    with connect(service) as connection:
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        assert connection.recv(1)  # and no more of 40 MB
        wait_for(lambda: not is_held(service, connection))


def check_unread_grpc(service: Service) -> None:
    message = write_faces(FACES[:1], "heatmaps")  # of two it would be too large

    def look() -> bool:  # again where this process slept while it was held
        before = count_answered(service)
        with h2.start_call(service.grpc, message):
            wait_for(lambda: count_answered(service) > before)
            held = sum_metric(service, "landmarks_inflight_requests")
            wait_for(lambda: not sum_metric(service, "landmarks_inflight_requests"))
        return held == 1

    wait_for(look)


def check_patience_rest(service: Service) -> None:
    body, headers = pack_faces(FACES)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    assert ask(service, write_request(body, "X-Request-Timeout: 0.0001", *lines))[0] == 504


def check_patience_grpc(service: Service) -> None:
    connection, before = h2.Connection(service.grpc), count_answered(service)
    with connection.socket:  # by hand: a library would give up by itself
        connection.call(write_faces(FACES), more=h2.write_header("grpc-timeout", "1u"))
        wait_for(lambda: connection.send() is not None and connection.answered)
    assert count_answered(service) == before


PROBES = {
    "a connection that sends no request, or part of a head": "silence",
    "a request's head, or a gRPC call's metadata": "head",
    "a body or message, as sent and inflated": "size",
    "the time in which it has to come": "time",
    "bytes of bodies and messages that have not come to their end": "bytes",
    "requests in flight": "inflight",
    "an answer that its caller doesn't read": "unread",
    "the time of a request": "patience",
}


def test_the_table_has_a_probe_for_each_row():
    rows = TABLE.partition("\n\n")[0].splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [*PROBES]


@pytest.mark.parametrize("door", ["rest", "grpc"])
@pytest.mark.parametrize("row", PROBES)
def test_a_bound_holds_at_both_doors(strict, row, door):
    globals()[f"check_{PROBES[row]}_{door}"](strict)
    assert requests.get(f"{strict.url}/v2/health/live", timeout=60).ok
