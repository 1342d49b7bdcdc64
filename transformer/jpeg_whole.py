"""Whether a JPEG's coded data last to its end, where libjpeg's warnings can't tell."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pictures import PictureError
from pictures.jpeg import CUT_OFF, JpegHeader
from pictures.jpeg_walk import CODED, DRI, RESTARTS, SOS, walk_jpeg

# Two strings of bytes of which the decoder makes something else than of the zeros that it takes
# where bytes are missing, and of each other.
FILLERS = (bytes.fromhex("5ba7c3961d3e7a85"), bytes.fromhex("a94d72e8b1365cd2"))
REPEATS = 8  # of the filler at a place, or fewer where there are very many
LONGEST = 2**22  # bytes of filler in all, but for one at a place
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
            found = find_restarts(content[start:end])
            lost = len(found) < wanted or (found[:wanted] != np.arange(wanted) % 8).any()
            if lost or len(found) > wanted + 1000:  # some may lie among stray bytes
                raise PictureError(f"{CUT_OFF}: restart markers are missing")


def find_restarts(data: bytes) -> NDArray[np.uint8]:
    """Give the numbers, 0 to 7, of the restart markers in coded data."""
    array = np.frombuffer(data, np.uint8)
    after = array[np.flatnonzero(array[:-1] == 0xFF) + 1]
    return after[(after & 0xF8) == 0xD0] & 7


def insert_filler(content: bytes, filler: bytes) -> bytes:
    """Put bytes before each restart marker, and to the end of each scan, of a rebuilt JPEG."""
    parts, last = [], 0
    for marker, start, end in walk_jpeg(content):
        if marker == CODED:
            data = content[start:end]
            places = 1 + len(find_restarts(data))
            longer = filler * max(1, min(REPEATS, LONGEST // (len(filler) * places)))
            for restart in RESTARTS:
                data = data.replace(bytes([0xFF, restart]), longer + bytes([0xFF, restart]))
            parts += [content[last:start], data, longer]
            last = end
    return b"".join([*parts, content[last:]])
