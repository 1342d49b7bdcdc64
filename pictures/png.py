"""A PNG without the chunks that say nothing about its pixels as they are stored.

Text, profiles, times, animation and transparency are left out before a decoder sees them: whatever
is wrong with them, or however large they become, the picture is not refused for it.
"""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from .errors import PictureError
from .upright import PREFIX, UPRIGHT, read_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE = 3  # the type of colours that needs PLTE
END = b"\0\0\0\0IEND\xae\x42\x60\x82"
MAX_CHUNKS = 100_000  # encoders write pixels by 8 KiB or more: some thousands in the largest body
RAW_EXIF = b"Raw profile type "  # what ImageMagick calls EXIF in a text: ... exif or APP1
MAX_TEXT = 2**18  # characters of such a text; EXIF has at most 64 KiB


class Chunk(NamedTuple):
    """A chunk: where it lies with its length and checksum, and where its data does."""

    kind: bytes
    begin: int
    start: int
    end: int


class PngParts(NamedTuple):
    """What is taken from a PNG; `content` has only what pixels need."""

    width: int
    height: int
    orientation: int
    content: bytes


def read_png(content: bytes) -> PngParts:
    """Split a PNG into its chunks; raise PictureError where what its pixels need is broken."""
    if not content.startswith(SIGNATURE):
        raise PictureError("The PNG's first bytes are broken, as by a transfer of it as text")
    header = palette = None
    pixels: list[Chunk] = []
    orientation = 0
    for chunk in walk_png(content):
        if header is None and chunk.kind != b"IHDR":
            raise PictureError("The PNG does not begin with its header")
        if chunk.kind == b"IHDR":
            header = header or chunk
        elif chunk.kind == b"IDAT":
            pixels.append(chunk)
        elif chunk.kind == b"PLTE" and not pixels:
            palette = palette or chunk
        elif chunk.kind in (b"eXIf", b"tEXt", b"zTXt") and not orientation:
            orientation = read_chunk_orientation(chunk.kind, content, chunk.start, chunk.end)
    if header is None or header.end - header.start != 13:
        raise PictureError("The PNG has no header")
    check_sum(content, header)
    width, height = (int.from_bytes(content[header.start + i :][:4]) for i in (0, 4))
    if not width or not height:
        raise PictureError("The PNG's header is broken: it has no width or no height")
    kept = [header]
    if content[header.start + 9] == PALETTE:
        if palette is None:
            raise PictureError("The PNG has no palette")
        check_sum(content, palette)
        kept.append(palette)
    if not pixels:
        raise PictureError("The PNG has no pixels")
    parts = (content[chunk.begin : chunk.end + 4] for chunk in (*kept, *pixels))
    return PngParts(width, height, orientation or UPRIGHT, b"".join([SIGNATURE, *parts, END]))


def walk_png(content: bytes) -> Iterator[Chunk]:
    """Yield the chunks up to IEND, or to where the file is cut off."""
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        start = at + 8
        kind, end = content[at + 4 : start], start + int.from_bytes(content[at : at + 4])
        if len(kind) < 4 or kind == b"IEND":
            return
        if end > len(content):
            if kind == b"IDAT":  # its decoder takes what is there, and tells whether it is enough
                yield Chunk(kind, at, start, len(content))
            return
        yield Chunk(kind, at, start, end)
        at = end + 4
    raise PictureError(f"The PNG has more than {MAX_CHUNKS} chunks")


def check_sum(content: bytes, chunk: Chunk) -> None:
    """Raise PictureError where a chunk's checksum is wrong."""
    found = content[chunk.end : chunk.end + 4]
    if zlib.crc32(content[chunk.start - 4 : chunk.end]).to_bytes(4) != found:
        raise PictureError(f"The PNG's {chunk.kind.decode()} is broken: its checksum is another")


def read_chunk_orientation(kind: bytes, content: bytes, start: int, end: int) -> int:
    """Read the orientation of a chunk that may hold EXIF; 0 where it holds none."""
    if kind == b"eXIf":
        return read_orientation(content[start : min(end, start + MAX_TEXT)])
    if not content.startswith((RAW_EXIF + b"exif\0", RAW_EXIF + b"APP1\0"), start):
        return 0
    text = content[start + len(RAW_EXIF) + 5 : min(end, start + MAX_TEXT)]
    try:
        if kind == b"zTXt":
            text = zlib.decompressobj().decompress(text[1:], MAX_TEXT)
        exif = bytes.fromhex(text.decode("ascii").split("\n", 3)[3])  # after "\nexif\n   LENGTH\n"
    except (zlib.error, ValueError, IndexError):
        return 0
    return read_orientation(exif) if exif.startswith(PREFIX) else 0
