"""Whether a JPEG's coded data last to its end, where libjpeg's warnings can't tell."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pictures import PictureError
from pictures.jpeg import CUT_OFF, JpegHeader
from pictures.jpeg_walk import CODED, DRI, PIECE, SOS, walk_jpeg

# Two strings of bytes of which the decoder makes something else than of the zeros that it takes
# where bytes are missing, and of each other.
FILLERS = (bytes.fromhex("5ba7c3961d3e7a85"), bytes.fromhex("a94d72e8b1365cd2"))
REPEATS = 8  # of the filler at a place, or fewer where there are very many
MAX_FILLER_BYTES = 2**22  # bytes of filler in all, but for one at a place
COMPARED = 6_000_000  # pixels; larger pictures are compared at half their size or a quarter


def check_complete(
    content: bytes, header: JpegHeader, decode: Callable[[bytes, str, int], NDArray[np.uint8]]
) -> None:
    """Raise PictureError where the decoder runs out of data before a restart, or a scan's end.

    Then it makes other pixels of a rebuilt JPEG when there are more bytes to run into; those of one
    block may differ. (Arithmetic coding leaves zeros at the end out, so that nothing can be told.)
    """
    check_restarts(content, header)
    if header.frame >= 0xC9:
        return
    scale = next(s for s in (1, 2, 4) if s == 4 or header.width * header.height / s**2 < COMPARED)
    block = header.unit[0] * header.unit[1] // scale**2
    pixels = decode(content, "RGB", scale)  # [h, w, 3]
    for filler in FILLERS:
        rows = zip(pixels, decode(insert_filler(content, filler), "RGB", scale), strict=True)
        if sum(int((row != other).any(axis=1).sum()) for row, other in rows) > block:
            raise PictureError(f"{CUT_OFF}: its coded data end too soon")


def check_restarts(content: bytes, header: JpegHeader) -> None:
    """Raise PictureError where restart markers are missing, with what follows them."""
    interval, names = 0, b""
    for marker, start, end in walk_jpeg(content):
        if marker == DRI:
            interval = int.from_bytes(content[start : start + 2])
        elif marker == SOS:
            names = content[start + 1 : end][: 2 * content[start] : 2]
        elif marker == CODED:
            wanted = -(-header.count_units(names) // interval) - 1 if interval else 0
            found = np.frombuffer(content, np.uint8)[find_restarts(content, start, end) + 1] & 7
            lost = len(found) < wanted or (found[:wanted] != np.arange(wanted) % 8).any()
            if lost or len(found) > wanted + 1000:  # some may lie among stray bytes
                raise PictureError(f"{CUT_OFF}: restart markers are missing")


def find_restarts(content: bytes, start: int, end: int) -> NDArray[np.int64]:
    """Find where the restart markers are in coded data."""
    data, found = np.frombuffer(content, np.uint8), [np.empty(0, np.int64)]
    for at in range(start, end - 1, PIECE):
        piece = data[at : min(at + PIECE + 1, end)]
        places = np.flatnonzero(piece[:-1] == 0xFF)
        found.append(at + places[(piece[places + 1] & 0xF8) == 0xD0])
    return np.concatenate(found)


def insert_filler(content: bytes, filler: bytes) -> bytes:
    """Put bytes before each restart marker, and to the end of each scan, of a rebuilt JPEG."""
    parts: list[bytes | memoryview] = []
    whole, last = memoryview(content), 0
    for marker, start, end in walk_jpeg(content):
        if marker == CODED:
            places = [*find_restarts(content, start, end).tolist(), end]
            longer = filler * max(1, min(REPEATS, MAX_FILLER_BYTES // (len(filler) * len(places))))
            for place in places:
                parts += [whole[last:place], longer]
                last = place
    return b"".join([*parts, whole[last:]])
