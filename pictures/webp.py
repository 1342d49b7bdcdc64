"""A WebP without metadata, and of an animation without all but the first frame."""

from collections.abc import Iterator
from typing import NamedTuple

from .errors import PictureError
from .upright import read_orientation

CUT_OFF = "The WebP is only part of one"
ANIMATED, TRANSPARENT = 0x02, 0x10  # flags of VP8X
MAX_CHUNKS = 10_000


class WebpParts(NamedTuple):
    """What is taken from a WebP; `content` has only what the pixels of its first frame need."""

    width: int
    height: int
    orientation: int
    content: bytes


def read_webp(content: bytes) -> WebpParts:
    """Split a WebP into its chunks; raise PictureError where what its pixels need is not there."""
    chunks: dict[bytes, tuple[int, int]] = {}  # the first of each kind
    for kind, start, end in walk_webp(content):
        chunks.setdefault(kind, (start, end))

    def give(kind: bytes) -> bytes:
        start, end = chunks.get(kind, (0, 0))
        if end > len(content):
            raise PictureError(CUT_OFF)
        return content[start:end]

    extended = bytearray(give(b"VP8X"))
    picture = next((kind for kind in (b"VP8 ", b"VP8L") if kind in chunks), b"")
    if extended:
        if len(extended) < 10:
            raise PictureError("The WebP's header is broken")
        width, height = (1 + int.from_bytes(extended[i : i + 3], "little") for i in (4, 7))
        moves = extended[0] & ANIMATED and b"ANMF" in chunks
        extended[0] &= TRANSPARENT | (ANIMATED if moves else 0)
        names = (b"ANIM", b"ANMF") if moves else (b"ALPH", picture)
        parts = [(b"VP8X", bytes(extended)), *((name, give(name)) for name in names)]
    else:
        width, height = read_size(picture, give(picture))
        parts = [(picture, give(picture))]
    if not parts[-1][1]:
        raise PictureError(f"{CUT_OFF}: it has no pixels")
    body = b"".join(pack_chunk(kind, data) for kind, data in parts if data)
    start, end = chunks.get(b"EXIF", (0, 0))
    orientation = read_orientation(content[start : min(end, start + 2**18)])
    size = (4 + len(body)).to_bytes(4, "little")
    return WebpParts(width, height, orientation, b"RIFF" + size + b"WEBP" + body)


def walk_webp(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's kind, start and end; the last one's end may be beyond a file cut off."""
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(content):
            return
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        yield content[at : at + 4], at + 8, at + 8 + size
        at += 8 + size + size % 2
    raise PictureError(f"The WebP has more than {MAX_CHUNKS} chunks")


def pack_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def read_size(kind: bytes, data: bytes) -> tuple[int, int]:
    """Read width and height off a picture's own header."""
    if kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a" and len(data) >= 10:
        width, height = (int.from_bytes(data[i : i + 2], "little") & 0x3FFF for i in (6, 8))
        return width, height
    if kind == b"VP8L" and data[:1] == b"\x2f" and len(data) >= 5:
        bits = int.from_bytes(data[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise PictureError("The WebP's header is broken" if data else f"{CUT_OFF}: it has no pixels")
