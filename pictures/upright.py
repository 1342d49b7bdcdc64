"""Turn pixels upright by what EXIF, and nothing else, says about how the camera was held."""

import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
ORIENTATION = 0x0112
PREFIX = b"Exif\0\0"
WHOLE_NUMBERS = {3: 2, 4: 4, 8: 2, 9: 4}  # bytes of TIFF's SHORT, LONG, SSHORT and SLONG


def read_orientation(exif: bytes) -> int:
    """Read the orientation, 1 to 8, of an EXIF block; none, or one without sense, is upright.

    Pillow's `getexif` and `exif_transpose` would take XMP's word where EXIF has none.
    """
    at = len(PREFIX) if exif.startswith(PREFIX) else 0
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(exif[at : at + 4])
    if order is None:
        return UPRIGHT

    def read(start: int, size: int) -> int:
        return int.from_bytes(exif[start : start + size], order)  # type: ignore[arg-type]

    directory = at + read(at + 4, 4)
    entries = min(read(directory, 2), max(0, len(exif) - directory - 2) // 12)
    for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
        if read(entry, 2) == ORIENTATION:
            size = WHOLE_NUMBERS.get(read(entry + 2, 2))
            value = read(entry + 8, size) if size and read(entry + 4, 4) == 1 else UPRIGHT
            return value if value in range(1, 9) else UPRIGHT
    return UPRIGHT


def turn_upright(pixels: NDArray, orientation: int) -> NDArray:
    """Turn stored pixels `[H,W,...]`; from 5 on they lie on their side, `[W,H,...]` after it."""
    if orientation == UPRIGHT:
        return pixels
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
