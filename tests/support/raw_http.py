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
    """Read one answer with a Content-Length; status 0 is a connection closed with nothing said."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return 0, data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    assert length, head
    while len(body) < int(length[1]):
        chunk = connection.recv(65536)
        assert chunk, "the answer was cut short"
        body += chunk
    return int(head.split()[1]), body[: int(length[1])]


def read_answer_in_turn(connection: socket.socket) -> int:
    """Read one answer and no byte of the next."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, "the connection was closed"
        data += byte
    length = int(data.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    while length:
        part = connection.recv(length)
        assert part, "the connection was closed"
        length -= len(part)
    return int(data.split()[1])


def ask(service: Service, request: bytes) -> tuple[int, bytes]:
    """Send a request on a connection of its own, and read its answer."""
    with connect(service) as connection:
        connection.sendall(request)
        return read_answer(connection)


def send_until_cut(connection: socket.socket, data: bytes) -> None:
    """Send the same bytes again and again, until the server has ended the connection."""
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(data)


def is_held(service: Service, connection: socket.socket) -> bool:
    """Check whether the server still has its end of a connection."""
    held = psutil.Process(service.process.pid).connections("tcp")
    return any(each.raddr == connection.getsockname() for each in held)


def is_cut(connection: socket.socket, seconds: float = 60) -> bool:
    """Check whether the server ends the connection in time."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True
