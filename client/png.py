"""A square of RGB pixels as a PNG file, without a package that knows pictures."""

import math
import struct
import zlib


def write_png(pixels: bytes) -> bytes:
    """Write a square of 8-bit RGB pixels, row by row, as a PNG."""
    side = math.isqrt(len(pixels) // 3)
    width = 3 * side
    rows = b"".join(b"\0" + pixels[i : i + width] for i in range(0, len(pixels), width))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(write_part(*part) for part in parts)


def write_part(kind: bytes, content: bytes) -> bytes:
    """Write a chunk with its length before it and its checksum behind."""
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
