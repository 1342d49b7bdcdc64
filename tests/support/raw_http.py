"""HTTP by hand, for what no client library would send."""

import contextlib
import re
import socket
import time

from tools.processes import Service

INFER = "/v2/models/unet/infer"


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.rest), 10)


def write_request(body: bytes, *lines: str, path: str = INFER, method: str = "POST") -> bytes:
    """Write a request with a Content-Length and these header lines."""
    head = [f"{method} {path} HTTP/1.1", "Host: x", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin1") + body


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer with a Content-Length and no byte of the next.

    Status 0 is a connection closed with nothing said.
    """
    head, body = b"", b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return 0, head
        head += byte
    found = re.search(rb"content-length: (\d+)", head.lower())
    assert found, head
    length = int(found[1])
    while part := connection.recv(min(length - len(body), 65_536)):
        body += part
    assert len(body) == length, "the answer was cut short"
    return int(head.split()[1]), body


def read_answer_in_turn(connection: socket.socket) -> int:
    return read_answer(connection)[0]


def ask(service: Service, request: bytes) -> tuple[int, bytes]:
    with connect(service) as connection:
        connection.sendall(request)
        return read_answer(connection)


def send_until_cut(connection: socket.socket, data: bytes, seconds: float) -> float:
    """Send the same bytes again and again; return after how many seconds that was over."""
    begun = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() - begun < seconds:
            connection.sendall(data)
    return time.monotonic() - begun


def is_cut(connection: socket.socket, seconds: float) -> bool:
    """Check whether the server ends the connection in time."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except OSError as error:
        return not isinstance(error, TimeoutError)
    return True
