"""What a connection may offer, send and leave out: none of it harms an answer or the server."""

import json
import os
import shutil
import socket
import subprocess
import time

import pytest
import requests

from tests.support.ask import infer_url
from tests.support.hostile.cost import MEGABYTE, read_memory
from tests.support.load import wait_for
from tests.support.raw_http import (
    INFER,
    ask,
    connect,
    is_cut,
    read_answer,
    send_until_cut,
    write_request,
)
from tools.processes import find_free_ports

NGINX_PATH = f"{os.environ['PATH']}:/usr/sbin"
PICTURE = "Content-Type: image/jpeg"
OFFERS = {
    "a WebSocket": ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "HTTP/2, as Java does": (
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAEA",
    ),
    "in other letters": ("connection: keep-alive, UPGRADE", "UPGRADE: H2C"),
    "TLS": ("Connection: upgrade", "Upgrade: TLS/1.2, HTTP/1.1"),
    "what nobody knows": ("Connection: upgrade", "Upgrade: " + "x" * 5000),
}


@pytest.fixture(scope="module")
def strict(start_transformer):
    return start_transformer(head_seconds="3", body_seconds="2")


@pytest.mark.parametrize("split", [1, 40, 120, 300, 5000])
@pytest.mark.parametrize("offer", OFFERS)
def test_an_offer_to_upgrade_is_as_if_it_were_not_there(transformer, astronaut, offer, split):
    """In two packets, and with more requests behind it."""
    _, plain = ask(transformer, write_request(astronaut, PICTURE))
    live = write_request(b"", method="GET", path="/v2/health/live")
    whole = write_request(astronaut, PICTURE, *OFFERS[offer]) + live
    with connect(transformer) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(whole[:split])
        time.sleep(0.05)
        connection.sendall(whole[split:] + whole)
        answers = [read_answer(connection) for _ in range(4)]
    assert [status for status, _ in answers] == [200] * 4
    assert json.loads(answers[0][1])["outputs"] == json.loads(plain)["outputs"]


@pytest.mark.parametrize("version, line", [("1.1", ""), ("1.1", "Connection: close"), ("1.0", "")])
@pytest.mark.parametrize("path, size", [(INFER, 20_000_000), ("/v2/nowhere", 3_000_000)])
def test_a_refusal_reaches_a_caller_who_still_sends(transformer, version, line, path, size):
    """Proxies ask like this: a connection that is closed at once resets, and they say 502."""
    request = write_request(bytes(size), *filter(None, [line]), path=path)
    for _ in range(5):
        status, body = ask(transformer, request.replace(b"HTTP/1.1", f"HTTP/{version}".encode(), 1))
        assert status == (413 if path == INFER else 404) and json.loads(body)["error"]


@pytest.mark.skipif(not shutil.which("nginx", path=NGINX_PATH), reason="nginx is not installed")
def test_refusals_through_nginx_as_it_comes(transformer, tmp_path):
    (port,) = find_free_ports(1)
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{name}_temp_path {tmp_path}/{name};" for name in names)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; events {{}} http {{ access_log off; {paths} "
        "client_max_body_size 64m; client_body_buffer_size 64m; "
        f"server {{ listen 127.0.0.1:{port}; "
        f"location / {{ proxy_pass http://127.0.0.1:{transformer.rest}; }} }} }}"
    )
    program = shutil.which("nginx", path=NGINX_PATH) or ""
    command = [program, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log"]
    with subprocess.Popen(command) as nginx:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
            for path, size, status in ((INFER, 20_000_000, 413), ("/v2/nowhere", 3_000_000, 404)):
                codes = [requests.post(url + path, bytes(size)).status_code for _ in range(20)]
                assert codes == [status] * 20
        finally:
            nginx.terminate()


def test_who_sends_no_more_in_the_middle_is_gone(transformer, astronaut):
    with connect(transformer) as connection:
        connection.sendall(write_request(astronaut, PICTURE)[:-10])
        connection.shutdown(socket.SHUT_WR)
        assert is_cut(connection, 15)  # at once; without that after 22, the time of a body


@pytest.mark.parametrize(
    "data",
    [b"a: b\r\n" * 10_000, b"a" * 65536, b"long: " + b"b" * 65536, b"a: " + b"b" * 900 + b"\r\n"],
    ids=["many lines", "endless name", "endless value", "long lines"],
)
def test_a_head_without_end_is_refused(transformer, data):
    before = read_memory(transformer.process.pid, "VmRSS")
    with connect(transformer) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n")
        send_until_cut(connection, data)
        assert read_answer(connection)[0] == 431
    assert read_memory(transformer.process.pid, "VmRSS") - before < 16 * MEGABYTE


def test_a_refused_head_waits_for_the_answers_before_it(transformer, astronaut):
    with connect(transformer) as connection:
        long = write_request(b"", *[f"x-{i}: y" for i in range(300)])
        connection.sendall(write_request(astronaut, PICTURE) + long)
        assert [read_answer(connection)[0] for _ in range(2)] == [200, 431]


def test_many_requests_ahead_are_answered_in_turn_and_bounded(transformer):
    """A quarter of a megabyte of requests on one connection is no quarter of a gigabyte here."""
    count = 5000
    before = read_memory(transformer.process.pid, "VmRSS")
    with connect(transformer) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n" * count)
        answered = 0
        while answered < count:
            part = connection.recv(65536)
            assert part, "the connection was closed"
            answered += part.count(b"\r\n\r\n")
        assert read_memory(transformer.process.pid, "VmRSS") - before < 16 * MEGABYTE


def test_who_asks_ahead_and_leaves_is_no_error_of_ours(strict):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", strict.rest))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 300)
        time.sleep(0.5)
    assert requests.get(f"{strict.url}/v2/health/live").ok  # its log is looked at in the end


def test_media_types_in_any_letters(transformer, astronaut):
    good = ("Image/JPEG", "IMAGE/PNG ", "image/jpeg; q=1")
    for kind in (*good, "application/octet-stream", "application/x-www-form-urlencoded", ""):
        answer = requests.post(infer_url(transformer), astronaut, headers={"content-type": kind})
        assert answer.status_code == (200 if kind in good else 400), answer.text
        assert answer.ok or "Content-Type: image/jpeg" in answer.json()["error"]


def test_a_token_goes_on_whole_or_is_refused(transformer, astronaut):
    for token, state in ((8100, 8100), (16_000, 0), (30_000, 30_000)):
        headers = {"content-type": "image/jpeg", "authorization": "t" * token}
        if state:
            headers["tracestate"] = "v=" + "s" * state
        for _ in range(8):
            assert requests.post(infer_url(transformer), astronaut, headers=headers).ok
    refused = ("t" * 70_000, 431, "head_too_large"), ("é", 400, "invalid_request")
    for value, status, code in refused:
        lines = ("Content-Type: image/jpeg", f"Authorization: {value}")
        answer = ask(transformer, write_request(astronaut, *lines))
        assert answer[0] == status and json.loads(answer[1])["code"] == code


def test_who_waits_for_us_in_the_middle_of_a_request_is_not_cut(strict, astronaut):
    """The body of a second request lies here while the first is answered, however long it takes."""
    slow = write_request(astronaut, PICTURE) * 40
    with connect(strict) as connection:
        connection.settimeout(60)
        connection.sendall(slow)
        assert [read_answer(connection)[0] for _ in range(40)] == [200] * 40
