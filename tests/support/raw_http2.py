"""A gRPC call by hand whose caller takes no byte of the answer: HTTP/2 frames and no window."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
INITIAL_WINDOW_SIZE = 4


def write_frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def write_header(name: str, value: str) -> bytes:
    """Write a header literally, without HPACK's tables."""
    return b"\0" + b"".join(bytes([len(t)]) + t.encode() for t in (name, value))


def start_call(port: int, method: str, message: bytes) -> socket.socket:
    """Make a call whose answer the server may not send, as the window for it is shut."""
    connection = socket.create_connection(("127.0.0.1", port), 30)
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": "x",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    head = b"".join(write_header(name, value) for name, value in headers.items())
    body = b"\0" + struct.pack(">I", len(message)) + message
    connection.sendall(
        PREFACE
        + write_frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, 0))
        + write_frame(HEADERS, END_HEADERS, 1, head)
    )
    for start in range(0, len(body), 16_384):
        last = END_STREAM if start + 16_384 >= len(body) else 0
        connection.sendall(write_frame(DATA, last, 1, body[start : start + 16_384]))
    return connection
