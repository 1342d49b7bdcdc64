"""HTTP by hand, for what no client library would send."""

import contextlib
import re
import socket

import psutil

from tools.processes import Service

INFER = "/v2/models/unet/infer"


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.rest), 60)


def write_request(body: bytes, *lines: str, path: str = INFER, method: str = "POST") -> bytes:
    """Write a request with a Content-Length and these header lines."""
    head = [f"{method} {path} HTTP/1.1", "Host: x", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin1") + body


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer and no byte of the next; status 0: closed with nothing said."""
    head, lines = b"", connection.makefile("rb", 0)
    while not head.endswith(b"\r\n\r\n"):
        line = lines.readline()
        if not line:
            return 0, head
        head += line
    length = re.search(rb"content-length: (\d+)", head.lower())
    assert length, head
    body = b""
    while left := int(length[1]) - len(body):
        part = connection.recv(left)
        assert part, "the answer was cut short"
        body += part
    return int(head.split()[1]), body


def ask(service: Service, request: bytes) -> tuple[int, bytes]:
    with connect(service) as connection:
        connection.sendall(request)
        return read_answer(connection)


def send_until_cut(connection: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(data)


def is_held(service: Service, connection: socket.socket) -> bool:
    held = psutil.Process(service.process.pid).connections("tcp")
    return any(each.raddr == connection.getsockname() for each in held)


def is_cut(connection: socket.socket, seconds: float = 60) -> bool:
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True
