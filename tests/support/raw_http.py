"""HTTP/1.1 and gRPC by hand, for what no client library would send."""

import contextlib
import itertools
import re
import socket
import struct

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


METHOD = "/inference.GRPCInferenceService/ModelInfer"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 3, 4, 6, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
MAX_STREAMS, INITIAL_WINDOW_SIZE = 3, 4
FRAME = 16_384  # bytes; larger ones have to be allowed first


def write_frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def write_header(name: str, value: str) -> bytes:
    """Write a header literally, without HPACK's tables."""
    return b"\0" + b"".join(bytes([len(t)]) + t.encode() for t in (name, value))


NAMED = [":method POST", ":scheme http", f":path {METHOD}", ":authority x", "te trailers"]
NAMED += ["content-type application/grpc"]
HEAD = b"".join(write_header(*line.split()) for line in NAMED)


class Connection:
    """HTTP/2: calls send as much as they may, and their answers get `window` bytes."""

    def __init__(self, port: int, window: int = 65_535):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        own = struct.pack(">HI", INITIAL_WINDOW_SIZE, window)
        self.socket.sendall(PREFACE + write_frame(SETTINGS, 0, 0, own))
        self.streams = itertools.count(1, 2)
        self.initial = 65_535
        self.windows = {0: 65_535}  # of the connection and of each call
        self.left: dict[int, bytes] = {}  # of each call's message, what is not sent yet
        self.answered: list[int] = []  # the calls, in the order of their answers or ends
        self.received = b""

    def call(self, message: bytes, missing: int = 0, more: bytes = b"") -> None:
        """Begin a call with more headers, whose message never gets its last `missing` bytes."""
        stream = next(self.streams)
        self.socket.sendall(write_frame(HEADERS, END_HEADERS, stream, HEAD + more))
        self.windows[stream] = self.initial
        whole = b"\0" + struct.pack(">I", len(message)) + message
        self.left[stream] = whole[: len(whole) - missing]
        self.complete = not missing
        self.send()

    def send(self) -> int:
        """Send what the windows allow; return how many bytes are left."""
        self.read_windows()
        for stream, left in self.left.items():
            while left and (room := min(self.windows[0], self.windows[stream], FRAME)) > 0:
                part, left = left[:room], left[room:]
                flags = END_STREAM if self.complete and not left else 0
                self.socket.sendall(write_frame(DATA, flags, stream, part))
                self.windows[0] -= len(part)
                self.windows[stream] -= len(part)
            self.left[stream] = left
        return sum(map(len, self.left.values()))

    def read_windows(self) -> None:
        """Read the frames that have come, for the windows that they give."""
        self.socket.settimeout(0.001)
        with contextlib.suppress(OSError):
            while part := self.socket.recv(65_536):
                self.received += part
        self.socket.settimeout(30)
        while len(self.received) >= 9:
            size = int.from_bytes(self.received[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", self.received[3:9])
            if len(self.received) < 9 + size:
                break
            payload, self.received = self.received[9 : 9 + size], self.received[9 + size :]
            if kind == WINDOW_UPDATE and stream in self.windows:
                self.windows[stream] += struct.unpack(">I", payload)[0]
            elif kind in (HEADERS, RST_STREAM):
                self.answered.append(stream)
            elif kind in (SETTINGS, PING) and not flags & ACK:
                for name, value in struct.iter_unpack(">HI", payload if kind == SETTINGS else b""):
                    if name == MAX_STREAMS:
                        self.max_streams = value
                    if name == INITIAL_WINDOW_SIZE:
                        for opened in self.left:
                            self.windows[opened] += value - self.initial
                        self.initial = value
                self.socket.sendall(write_frame(kind, ACK, 0, payload if kind == PING else b""))


def start_call(port: int, message: bytes) -> socket.socket:
    """Make a call whose answer the server may not send, as the window for it is shut."""
    connection = Connection(port, window=0)
    connection.call(message)
    while connection.send():
        pass
    return connection.socket
