"""gRPC messages that protobuf would make much larger than they are on the wire."""

import random

from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb


def write_varint(value: int) -> bytes:
    low, more = value & 127, value >> 7
    return bytes([low | 128]) + write_varint(more) if more else bytes([low])


def write_bytes(number: int, value: bytes) -> bytes:
    return write_varint(number << 3 | 2) + write_varint(len(value)) + value


def write_face(contents: bytes, datatype: str = "UINT8", shape: list[int] | None = None) -> bytes:
    """Write a request of one face with these InferTensorContents."""
    tensor = pb.ModelInferRequest.InferInputTensor(
        name="face", datatype=datatype, shape=shape or [1, 1, 96, 96]
    )
    head = pb.ModelInferRequest(model_name="unet").SerializeToString()
    return head + write_bytes(5, tensor.SerializeToString() + write_bytes(5, contents))


HEAD = pb.ModelInferRequest(model_name="unet").SerializeToString()
MESSAGES = {  # name -> bytes of about a given size
    "numbers of 8 bytes": lambda n: write_face(write_bytes(3, b"\1" * n), "INT64"),
    "their shape": lambda n: write_face(write_bytes(5, b"\1" * n), "UINT64", [n]),
    "pixels": lambda n: write_face(write_bytes(4, b"\1" * n), "UINT8", [1, 1, n, 1]),
    "pixels in another field": lambda n: write_face(write_bytes(3, b"\1" * n)),
    "unpacked pixels": lambda n: write_face(b"\x20\1" * (n // 2)),
    "endless numbers": lambda n: write_face(write_bytes(4, b"\xff" * n)),
    "negative numbers": lambda n: write_face(write_bytes(2, (b"\xff" * 9 + b"\1") * (n // 10))),
    "floats": lambda n: write_face(write_bytes(6, bytes(n // 4 * 4)), "FP32", [n // 4]),
    "empty texts": lambda n: write_face(write_bytes(8, b"") * (n // 2), "BYTES", [n // 2]),
    "many contents": lambda n: write_face(b"") + write_bytes(5, write_bytes(5, b"") * (n // 2)),
    "many inputs": lambda n: HEAD + write_bytes(5, b"") * (n // 2),
    "many outputs": lambda n: HEAD + write_bytes(6, b"") * (n // 2),
    "many parameters": lambda n: HEAD + write_bytes(4, b"\n\0") * (n // 4),
    "parameters of an input": lambda n: HEAD + write_bytes(5, write_bytes(4, b"\n\0") * (n // 4)),
    "many raw contents": lambda n: HEAD + write_bytes(7, b"") * (n // 2),
    "a long name": lambda n: write_bytes(1, b"u" * n),
    "a long shape": lambda n: HEAD + write_bytes(5, write_bytes(3, b"\1" * n)),
    "an unknown field": lambda n: HEAD + write_bytes(99, bytes(n)),
    "groups in groups": lambda n: HEAD + b"\x0b" * n,
    "no message": lambda n: b"\xff" * n,
}


def make_message(r: random.Random, largest: int, name: str = "") -> tuple[str, bytes]:
    name = name or r.choice(list(MESSAGES))
    size = r.choice([2_000, 100_000, 2_000_000, largest - 1000])
    return f"{name} of {size} bytes", MESSAGES[name](size)
