"""A WebSocket in front of a real service: its answers, its errors, and each bound that REST has."""

import base64
import contextlib
import json
import signal
import socket

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.load import wait_for
from tests.support.raw_http import is_held
from tools.processes import Service
from tools.v2_json import image_tensor

ADDRESS = "ws://127.0.0.1:{}/v2/models/unet/stream"


@pytest.fixture(scope="module")
def strict(start_transformer) -> Service:
    return start_transformer(
        body_seconds="3", answer_seconds="1", max_body_bytes="200000", max_inflight_bytes="1048576"
    )


def open_stream(service: Service, **options):
    return connect(ADDRESS.format(service.rest), compression=None, **options)


def pack(head: dict, *tensors: bytes) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(4, "little") + text + b"".join(tensors)


def test_text_and_binary_messages_are_answered_alike(transformer, astronaut):
    raw = len(astronaut).to_bytes(4, "little") + astronaut
    size = {"parameters": {"binary_data_size": len(raw)}}
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1]} | size
    with open_stream(transformer) as stream:
        stream.send(json.dumps({"id": "1", "inputs": [image_tensor(astronaut)]}))
        first = json.loads(stream.recv())
        stream.send(pack({"id": "2", "inputs": [tensor]}, raw))
        second = json.loads(stream.recv())
        stream.send(pack({"inputs": [tensor], "parameters": {"binary_data_output": True}}, raw))
        packed = stream.recv()
    assert first["id"] == "1" and second["id"] == "2"
    assert first["outputs"] == second["outputs"] and first["parameters"]["landmarks_set"]
    length = int.from_bytes(packed[:4], "little")
    told = json.loads(packed[4 : 4 + length])
    sizes = [output["parameters"]["binary_data_size"] for output in told["outputs"]]
    assert 4 + length + sum(sizes) == len(packed)


def test_a_wrong_message_is_answered_and_the_next_one_too(transformer, astronaut):
    with open_stream(transformer) as stream:
        for wrong in ("{", b"", pack({"inputs": []}), json.dumps({"inputs": []})):
            stream.send(wrong)
            assert json.loads(stream.recv())["code"].startswith("invalid_")
        stream.send(json.dumps({"inputs": [image_tensor(astronaut)]}))
        assert json.loads(stream.recv())["outputs"]


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/v2/models/none/stream", {}, 404),
        ("/v2/models/unet/stream", {"origin": "http://elsewhere.example"}, 403),
    ],
)
def test_an_offer_is_refused_in_the_words_of_the_catalogue(transformer, path, options, status):
    with pytest.raises(InvalidStatus) as caught:
        connect(f"ws://127.0.0.1:{transformer.rest}{path}", **options)
    response = caught.value.response
    assert response.status_code == status and b'"code"' in response.body
    own = f"http://127.0.0.1:{transformer.rest}"
    open_stream(transformer, origin=own).close()


def test_a_message_is_bounded_in_time_and_size(strict):
    with open_stream(strict) as stream:
        assert json.loads(stream.recv(timeout=60))["code"] == "request_timeout"
        with pytest.raises(ConnectionClosed):
            stream.recv(timeout=60)
    for content, code in ((b"x" * 250_000, 1009), ([b"x"] * 5000, 1008)):  # frames of one byte
        with open_stream(strict) as stream, pytest.raises(ConnectionClosed) as caught:
            stream.send(content)
            stream.recv(timeout=60)
        assert caught.value.rcvd and caught.value.rcvd.code == code


def test_bytes_of_messages_that_arrive_are_counted(strict):
    part = b"x" * 150_000
    streams = [open_stream(strict) for _ in range(8)]
    closed = 0
    for stream in streams:
        # The first frame of a message that goes on, masked with zeros.
        stream.socket.sendall(b"\x02\xff" + len(part).to_bytes(8) + bytes(4) + part)
    for stream in streams:  # the others are told that their message takes too long
        try:
            stream.recv(timeout=60)
        except ConnectionClosed as error:
            closed += error.rcvd is not None and error.rcvd.code == 1013
        stream.close()
    assert 1 <= closed <= 3  # 8 times 150 kB in 1 MiB


def test_messages_are_admitted_like_requests(start_transformer, astronaut):
    service = start_transformer(max_inflight="1")
    text = json.dumps({"id": "1", "inputs": [image_tensor(astronaut)]})
    with contextlib.ExitStack() as opened:
        streams = [opened.enter_context(open_stream(service)) for _ in range(6)]

        def crowd() -> list[dict]:  # again where they came one after another
            for stream in streams:
                stream.send(text)
            answers = [json.loads(stream.recv(timeout=60)) for stream in streams]
            return [answer for answer in answers if "error" in answer]

        refused = wait_for(crowd)
        assert len(refused) < len(streams)
        assert {answer["code"] for answer in refused} == {"overloaded"}
        assert all(int(answer["retry_after"]) >= 1 for answer in refused)
        streams[0].send(text)
        assert json.loads(streams[0].recv(timeout=60))["outputs"]


def test_a_stream_ends_after_an_answer_when_the_server_stops(start_transformer, astronaut):
    service = start_transformer(drain_seconds="90")
    with open_stream(service) as stream, open_stream(service) as idle:
        service.process.send_signal(signal.SIGTERM)
        wait_for(lambda: b"draining" in service.log.read_bytes())
        stream.send(json.dumps({"inputs": [image_tensor(astronaut)]}))
        assert json.loads(stream.recv(timeout=60))["outputs"]
        with pytest.raises(ConnectionClosed) as caught:
            stream.recv(timeout=60)
        assert caught.value.code == 1001
        service.process.send_signal(signal.SIGTERM)  # which cuts the drain short
        with pytest.raises(ConnectionClosed):
            idle.recv(timeout=60)
    assert service.process.wait(60) == 0


def test_who_reads_nothing_is_dropped(strict):
    """A caller who sends pings, each of which is answered, and reads none of that."""
    key = base64.b64encode(bytes(16)).decode()
    head = (
        "GET /v2/models/unet/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", strict.rest)) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(head.encode())
        raw.setblocking(False)
        wait_for(lambda: is_held(strict, raw))

        def is_gone() -> bool:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                for _ in range(100):
                    raw.send((b"\x89\xfd" + bytes(4) + bytes(125)) * 100)
            return not is_held(strict, raw)

        wait_for(is_gone)
