"""Bodies that cost a careless server more than they weigh: JSON, gRPC messages and pictures."""

import json
import random
import struct
import zlib
from collections.abc import Callable

from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from PIL import Image

from tests.support.picture_files import encode, make_chunk

FILLERS: dict[str, Callable[[random.Random, int], str]] = {  # JSON values of about a given size
    "zeros": lambda r, n: "[" + ",".join(["0"] * (n // 2)) + "]",
    "pixels": lambda r, n: "[" + ",".join([str(r.randrange(256))] * (n // 4)) + "]",
    "floats": lambda r, n: "[" + ",".join(["1.5"] * (n // 4)) + "]",
    "long floats": lambda r, n: "[" + ",".join([f"0.{'3' * 200}"] * (n // 203)) + "]",
    "exponents": lambda r, n: "[" + ",".join(["1e400"] * (n // 6)) + "]",
    "huge integer": lambda r, n: f"[{'7' * (n - 2)}]",
    "huge integers": lambda r, n: "[" + ",".join(["-" + "9" * 5000] * (n // 5002)) + "]",
    "beyond 64 bits": lambda r, n: "[" + ",".join(["18446744073709551616"] * (n // 21)) + "]",
    "long text and empty ones": lambda r, n: (
        f'["{"x" * (n // 2)}"' + ',""' * r.choice([600, n // 6]) + "]"
    ),
    "short texts": lambda r, n: "[" + ",".join(['"ab"'] * (n // 5)) + "]",
    "empty texts": lambda r, n: "[" + ",".join(['""'] * (n // 3)) + "]",
    "wide text": lambda r, n: json.dumps(["x" * (n - 20) + "\N{GRINNING FACE}"]),
    "wide text as it is": lambda r, n: f'["{"x" * (n - 8)}\N{GRINNING FACE}"]',
    "escaped text": lambda r, n: f'["{chr(92)}u0041"' + f',"{chr(92)}u0041"' * (n // 9) + "]",
    "empty lists": lambda r, n: "[" + ",".join(["[]"] * (n // 3)) + "]",
    "short lists": lambda r, n: "[" + ",".join(["[1]"] * (n // 4)) + "]",
    "ragged lists": lambda r, n: "[" + ",".join(["[1,2]", "[3]"] * (n // 10)) + "]",
    "empty objects": lambda r, n: "[" + ",".join(["{}"] * (n // 3)) + "]",
    "one object": lambda r, n: "{" + ",".join(f'"{i}":0' for i in range(n // 9)) + "}",
    "the same key": lambda r, n: "{" + ",".join(['"k":0'] * (n // 6)) + "}",
    "long key": lambda r, n: f'{{"{"k" * (n - 6)}":0}}',
    "depth": lambda r, n: "[" * (n // 2) + "]" * (n // 2),
    "depth and a number": lambda r, n: "[" * min(n // 2, 900) + "1" + "]" * min(n // 2, 900),
    "depth of objects": lambda r, n: '{"a":' * (n // 6) + "1" + "}" * (n // 6),
    "truths": lambda r, n: "[" + ",".join(["true"] * (n // 5)) + "]",
    "nulls": lambda r, n: "[" + ",".join(["null"] * (n // 5)) + "]",
    "blanks": lambda r, n: "[" + " " * (n - 3) + "1]",
    "blanks between": lambda r, n: "[" + (",".join(["1" + " " * 40_000] * (n // 40_002))) + "]",
}
PLACES = ("data", "name", "datatype", "shape", "parameters", "id", "outputs", "inputs", "unknown")
DATATYPES = ("UINT8", "INT64", "UINT64", "FP32", "FP64", "BOOL", "BYTES", "FP16")


def make_json_body(
    r: random.Random, largest: int, filler: str = "", place: str = ""
) -> tuple[str, bytes]:
    """Make a body with one costly value somewhere; return its name and its bytes."""
    filler = filler or r.choice(list(FILLERS))
    place = place or r.choice(["data", *PLACES])
    size = r.choice([2_000, 70_000, 1_000_000, largest - 1000])
    value = FILLERS[filler](r, size)
    face = {
        "name": json.dumps(r.choice(["face", "image"])),
        "datatype": json.dumps(r.choice(DATATYPES)),
        "shape": json.dumps(r.choice([[1], [1, 1, 96, 96], [size], [2**30], [2**15] * 2, []])),
        "data": "[1]",
    }
    body: dict[str, str] = {}
    if place in ("id", "outputs", "inputs", "unknown"):
        body[place] = value
        if place == "outputs":  # a list of objects is what it may be
            body[place] = "[" + ",".join(['{"name":"x"}'] * (size // 13)) + "]"
    elif place == "parameters" and r.random() < 0.5:
        body[place] = value if value[0] == "{" else f'{{"p":{value}}}'
    else:
        face[place] = value
    if "inputs" not in body:
        body["inputs"] = f"[{write_object(face)}]"
        if r.random() < 0.1:
            body["inputs"] = "[" + ",".join(['{"name":""}'] * (size // 12)) + "]"
    return f"{filler} of {size} bytes as {place}", write_object(body).encode()


def write_object(members: dict[str, str]) -> str:
    """Write an object of values that are JSON already."""
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"


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


def write_png(width: int, height: int, data: bytes, *more: bytes) -> bytes:
    """Write a grey PNG with this compressed data, whatever it holds, and more chunks before it."""
    head = make_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    tail = make_chunk(b"IDAT", data) + make_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + tail


def write_jpeg(scans: int, side: int = 2000, mode: str = "L") -> bytes:
    """Write a progressive JPEG whose last scan comes again and again."""
    picture = Image.new("L", (side, side), 128).convert(mode)
    data = encode(picture, progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


PICTURES = {
    "PNG of 10,000,000,000 pixels": lambda: write_png(100_000, 100_000, zlib.compress(b"")),
    "PNG of 40,010,000 pixels": lambda: write_png(8002, 5000, zlib.compress(bytes(8003 * 5000), 1)),
    "PNG cut short": lambda: write_png(4000, 4000, zlib.compress(bytes(4001 * 4000), 1)[:1000]),
    "JPEG of 3,000 scans": lambda: write_jpeg(3000),
    "WebP of a head alone": lambda: (
        b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\x0f" + bytes(9)
    ),
    "noise": lambda: random.Random(0).randbytes(10_000_000),
    "zeros": lambda: bytes(15_000_000),
    "JPEG's first bytes": lambda: b"\xff\xd8\xff" * 5_000_000,
    "segments without end": lambda: b"\xff\xd8" + b"\xff\xe1\0\2" * 3_000_000,
}


def make_picture(r: random.Random, name: str = "") -> tuple[str, bytes]:
    """Make a picture that is to be refused; return its name and its bytes."""
    name = name or r.choice(list(PICTURES))
    return name, PICTURES[name]()
