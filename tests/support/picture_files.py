"""Picture files made by code, and what goes wrong with them in the world."""

import io
import re
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

CODED, DHT, DQT, SOS, EOI = 0, 0xC4, 0xDB, 0xDA, 0xD9  # CODED: a scan's data


def smooth(width: int, height: int, mode: str = "RGB") -> np.ndarray:
    seed = np.random.default_rng(2).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(seed).resize((width, height)).convert(mode))


def detailed(width: int, height: int, mode: str = "RGB") -> np.ndarray:
    """As smooth, with noise: no part of it costs only a few bytes."""
    noise = np.random.default_rng(3).integers(-20, 20, (height, width, 1))
    pixels = (smooth(width, height).astype(int) + noise).clip(0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(pixels).convert(mode))


def encode(picture: np.ndarray | Image.Image, kind: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(data)) + data


def walk_jpeg(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each segment's marker, start and end, without its marker, of a JPEG without flaws."""
    at, scan = 2, re.compile(rb"\xff[^\0\xff\xd0-\xd7]", re.DOTALL)
    while (marker := jpeg[at + 1]) != EOI:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        yield marker, at + 4, end
        at = end
        if marker == SOS:
            found = scan.search(jpeg, at)
            assert found
            yield CODED, at, found.start()
            at = found.start()


def find_segment(jpeg: bytes, wanted: int, number: int = 0) -> tuple[int, int]:
    found = [(start, end) for marker, start, end in walk_jpeg(jpeg) if marker == wanted]
    start, end = found[number]
    return (start if wanted == CODED else start - 4), end


def insert(jpeg: bytes, at: int, data: bytes) -> bytes:
    return jpeg[:at] + data + jpeg[at:]


def find_restart(jpeg: bytes, number: int) -> int:
    return jpeg.index(bytes([0xFF, 0xD0 + number]), find_segment(jpeg, CODED)[0])


def make_chunk(kind: bytes, data: bytes, wrong: int = 0) -> bytes:
    """A PNG chunk; `wrong` is added to its checksum."""
    total = zlib.crc32(kind + data) ^ wrong
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", total)


def pack_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def pack_webp(*chunks: bytes) -> bytes:
    body = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def make_exif(orientation: int, order: str = "big") -> bytes:
    """EXIF with nothing but an orientation."""
    end, mark = (">", b"MM\0*") if order == "big" else ("<", b"II*\0")
    return mark + struct.pack(end + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def make_black(width: int, height: int, sampling: list[tuple[int, int]]) -> bytes:
    """A JPEG without detail, its components sampled as one likes, coded in bits that matter."""
    ids = range(1, len(sampling) + 1)
    across, down = (8 * max(s[i] for s in sampling) for i in (0, 1))
    units = -(-width // across) * -(-height // down)
    bits = "1010" * units * sum(a * b for a, b in sampling)  # no difference; end of block
    bits += "1" * (-len(bits) % 8)
    sizes = b"".join(bytes([i, a << 4 | b, 0]) for i, (a, b) in zip(ids, sampling, strict=True))
    table = bytes([1, 1]) + bytes(14)  # the codes 0 and 10
    head = bytes([8]) + height.to_bytes(2) + width.to_bytes(2) + bytes([len(sampling)])
    scan = bytes([len(sampling)]) + b"".join(bytes([i, 0]) for i in ids) + b"\0\x3f\0"
    tables = segment(0xC4, b"\0" + table + b"\1\0") + segment(0xC4, b"\x10" + table + b"\1\0")
    coded = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    frame = segment(0xDB, b"\0" + b"\x40" * 64) + segment(0xC0, head + sizes)
    return b"\xff\xd8" + frame + tables + segment(0xDA, scan) + coded + b"\xff\xd9"


def make_tags(values: dict[int, int]) -> bytes:
    """Make a directory of a TIFF or of EXIF: its fields, one number each."""
    fields = (struct.pack("<HHII", tag, 3, 1, value) for tag, value in values.items())
    return struct.pack("<H", len(values)) + b"".join(fields) + bytes(4)
