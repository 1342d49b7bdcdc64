"""Pictures that are larger, or slower to read, than their bytes look."""

import json
import random
import struct
import zlib

from PIL import Image

from tests.support.picture_files import encode, make_chunk
from tools.v2_json import image_tensor


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


def wrap_picture(picture: bytes) -> bytes:
    return json.dumps({"inputs": [image_tensor(picture[:11_000_000])]}).encode()
