"""Walk a JPEG from segment to segment by their lengths, up to the end of its first picture.

Metadata, thumbnails and what follows the picture may hold any bytes, and are never looked into.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import PictureError

SOI, EOI, SOS, DQT, DHT, DAC, DRI, APP0, APP1, APP14, TEM = (
    *(0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xCC, 0xDD, 0xE0, 0xE1, 0xEE),
    0x01,
)
CODED = 0  # stands for a scan's coded data, which no marker of its own introduces
SEQUENTIAL, PROGRESSIVE, LOSSLESS = (0xC0, 0xC1, 0xC9), (0xC2, 0xCA), (0xC3, 0xCB)
FRAMES = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, DAC}
RESTARTS = frozenset(range(0xD0, 0xD8))
MAX_SEGMENTS = 10_000  # 64 KiB each, all that a body holds are some hundreds
FIRST_PIECE = 64
PIECE = 2**18  # bytes that are searched at once; NumPy lets other threads run meanwhile


class Segment(NamedTuple):
    """A marker and where its content lies."""

    marker: int
    start: int
    end: int


def walk_jpeg(content: bytes) -> Iterator[Segment]:
    """Yield the segments after SOI, and after each SOS the CODED data; EOI is the last one.

    Stray bytes between segments are passed over. Without an EOI the picture is cut off, or runs
    into another one. Raises PictureError where there are too many segments.
    """
    at, seen, coded = 2, 0, False
    while True:
        at = find_marker(content, at, OUTSIDE)
        if at < 0:
            return
        seen += 1
        if seen > MAX_SEGMENTS:
            raise PictureError(f"The JPEG has more than {MAX_SEGMENTS} segments")
        marker, at = content[at + 1], at + 2
        if marker == EOI:
            yield Segment(EOI, at, at)
            return
        if marker == SOI and coded:
            return
        if marker < 0xC0 or marker in RESTARTS or marker == SOI:
            continue  # stands alone, or means nothing
        start, end = at + 2, at + max(2, int.from_bytes(content[at : at + 2]))
        if end > len(content) and coded:
            continue  # stray bytes; before the picture it would be one that is cut off
        if end > len(content):
            return
        yield Segment(marker, start, end)
        at = end
        if marker == SOS:
            coded = True
            found = find_marker(content, at, INSIDE)
            end = len(content) if found < 0 else found
            yield Segment(CODED, at, end)
            at = end


def find_marker(content: bytes, start: int, marks: NDArray[np.bool_]) -> int:
    """Find the next 0xFF that one of the marks follows; -1: there is none."""
    if start + 1 < len(content) and content[start] == 0xFF and marks[content[start + 1]]:
        return start
    data = np.frombuffer(content, np.uint8)
    at, size = start, FIRST_PIECE
    while at < len(content) - 1:
        piece = data[at : at + size + 1]
        places = np.flatnonzero(piece[:-1] == 0xFF)
        places = places[marks[piece[places + 1]]]
        if len(places):
            return at + int(places[0])
        at += size
        size = min(8 * size, PIECE)  # a marker that is near costs no search of what is far
    return -1


OUTSIDE = np.ones(256, np.bool_)
OUTSIDE[[0, 0xFF]] = False  # 0xFF 0x00 is no marker, and 0xFF may be repeated before one
INSIDE = OUTSIDE.copy()
INSIDE[list(RESTARTS)] = False
