"""Decompression bombs: a few bytes that would cost much to decode, refused before they do."""

import json
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from serving.errors import InvalidImage, TooLarge
from tests.support.picture_files import (
    encode,
    make_chunk,
    make_tags,
    pack_chunk,
    pack_webp,
    segment,
    smooth,
)
from tests.transformer.pictures.test_picture import LIMIT
from tools.processes import ROOT
from transformer.pictures.picture import open_picture


def make_png_bomb(side: int) -> bytes:
    """A PNG whose header tells of side*side pixels; nothing but a header is needed."""
    head = make_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    data = make_chunk(b"IDAT", zlib.compress(bytes(10_000)))
    return b"\x89PNG\r\n\x1a\n" + head + data + make_chunk(b"IEND", b"")


def make_webp_bomb(side: int) -> bytes:
    """A WebP whose canvas is side*side pixels around a small animation."""

    canvas = 2 * struct.pack("<I", side - 1)[:3]
    frame = bytes(6) + 2 * struct.pack("<I", 31)[:3] + bytes(4)  # 32x32 in a corner
    picture = encode(smooth(32, 32), "WEBP", lossless=True)[12:]
    parts = ((b"VP8X", b"\2\0\0\0" + canvas), (b"ANIM", bytes(6)), (b"ANMF", frame + picture))
    return pack_webp(*(pack_chunk(kind, data) for kind, data in parts))


def make_scan_bomb(side: int, components: int) -> bytes:
    """A valid progressive JPEG, black, whose every bit of every coefficient has its own scan.

    Some bytes a scan make the decoder walk all blocks, 883 times for grey.
    """

    def code(bits: str) -> bytes:
        bits += "1" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")

    ids = range(1, components + 1)
    blocks = (-(-side // 8)) ** 2
    one_code = b"\1" + bytes(15)  # a Huffman table of the code 0 alone
    frame = struct.pack(">BHHB", 8, side, side, components)
    content = b"\xff\xd8" + segment(0xDB, b"\0" + b"\1" * 64)
    content += segment(0xC2, frame + b"".join(bytes([i, 0x11, 0]) for i in ids))
    content += segment(0xC4, b"\0" + one_code + b"\0")  # of DC: no difference
    content += segment(0xC4, b"\x10" + one_code + b"\xe0")  # of AC: 2**14 or more zero blocks
    tables = b"".join(bytes([i, 0]) for i in ids)
    content += segment(0xDA, bytes([components]) + tables + b"\0\0\0") + code(
        "0" * blocks * components
    )
    runs, left = "", blocks
    while left:
        run = min(left, 2**15 - 1)
        runs += f"0{run - 2**14:014b}"
        left -= run
    for high, low in [(0, 13), *((bit + 1, bit) for bit in range(12, -1, -1))]:
        for coefficient in range(1, 64):
            for i in ids:
                head = bytes([1, i, 0, coefficient, coefficient, 16 * high + low])
                content += segment(0xDA, head) + code(runs)
    return content + b"\xff\xd9"


def make_text_bomb() -> bytes:
    """A PNG with a compressed text of 100 MB."""
    content = encode(smooth(32, 32), "PNG")
    text = make_chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(100_000_000), 9))
    return content[:33] + text + content[33:]


BOMBS = {
    "png of 144 megapixels": (make_png_bomb(12_000), TooLarge),
    "png cut short": (make_png_bomb(1000), InvalidImage),
    "webp of 256 megapixels": (make_webp_bomb(16_000), TooLarge),
    "thin png": (encode(np.zeros((700_000, 1), np.uint8), "PNG"), TooLarge),
    "jpeg of 883 scans": (make_scan_bomb(2800, 1), InvalidImage),
    "jpeg of 3,529 scans, as printers have them": (make_scan_bomb(1400, 4), InvalidImage),
}


def test_a_text_bomb_is_passed_over():
    content = make_text_bomb()
    begun = time.perf_counter()
    assert open_picture(content, LIMIT, 640).width == 32
    assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_are_refused_in_no_time(case):
    content, kind = BOMBS[case]
    assert len(content) < 200_000
    begun = time.perf_counter()
    with pytest.raises(kind):
        open_picture(content, LIMIT, 640)
    assert time.perf_counter() - begun < 1.0


WATCHED = """
import json, re, sys
from pathlib import Path
from serving.errors import ServingError
from transformer.pictures.picture import open_picture

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

open_picture(Path("tests/assets/astronaut.jpg").read_bytes(), 40_000_000, 640)
grown = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    before = peak()
    try:
        open_picture(path.read_bytes(), 40_000_000, 640)
    except ServingError:
        pass
    grown[path.name] = round(peak() - before)
print(json.dumps(grown))
"""


def test_bombs_take_no_memory(tmp_path: Path):
    """In a process of its own, whose peak nothing else has raised."""
    bombs = {name: content for name, (content, _) in BOMBS.items()} | {"text": make_text_bomb()}
    for name, content in bombs.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-c", WATCHED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    grown = json.loads(done.stdout)
    assert set(grown) == set(bombs)
    assert max(grown.values()) < 32, f"MiB: {grown}"


SHORT = """
import re, resource, sys
from pathlib import Path
from serving.errors import to_answer
from transformer.pictures.picture import open_picture

contents = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
open_picture(contents.pop(0), 40_000_000, 640)  # a small one: the libraries are loaded
used = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
resource.setrlimit(resource.RLIMIT_AS, (1024 * used + 25 * 2**20, -1))
for content in contents:
    try:
        open_picture(content, 40_000_000, 6000)
    except Exception as error:
        print(to_answer(error).code)
"""


def test_want_of_memory_is_not_a_broken_picture(tmp_path: Path):
    large = np.zeros((6000, 6000, 3), np.uint8)
    (tmp_path / "0").write_bytes(encode(smooth(64, 64), "PNG"))
    (tmp_path / "1").write_bytes(encode(large, "PNG", compress_level=1))
    (tmp_path / "2").write_bytes(encode(large, "BMP"))
    (tmp_path / "3").write_bytes(make_webp_bomb(6000))
    command = [sys.executable, "-c", SHORT, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["out_of_memory"] * 3, done.stderr


def make_strips(rows: int) -> bytes:
    """A TIFF of 64 pixels a row whose rows are a strip each."""
    at = 122  # after 9 fields: the offsets of the strips, then their lengths
    sizes = {256: 64, 257: rows, 258: 8, 259: 1, 262: 1, 273: at, 277: 1, 278: 1}
    sizes[279] = at + 4 * rows
    fields = (
        struct.pack("<HHII", tag, 4, rows if tag in (273, 279) else 1, value)
        for tag, value in sizes.items()
    )
    offsets = struct.pack("<I", at + 8 * rows) * rows
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(sizes)) + b"".join(fields) + bytes(4)
    return head + offsets + struct.pack("<I", 64) * rows + bytes(64)


def make_hostile() -> dict[str, bytes]:
    """Files of up to 16 MB that are all header: each part of it is work for Python, or a copy."""
    jpeg, gif, small = (encode(smooth(60, 44), kind) for kind in ("JPEG", "GIF", "PNG"))
    comments = b"\x21\xfe" + (b"\xff" + b"a" * 255) * 62_000 + b"\0"
    tags = b"".join(struct.pack("<HHII", i, 1, 15_000_000, 8) for i in range(1, 65_000))
    end = 16_000_000 - len(tags)
    frame = gif.index(b"\x2c\0\0\0\0")
    return {
        "segments": jpeg[:2] + b"\xff\xe1\0\2" * 4_000_000 + jpeg[2:],
        "restarts": jpeg[:2] + b"\xff\xd0" * 8_000_000 + jpeg[2:],
        "EXIF": jpeg[:2] + segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 240 + jpeg[2:],
        "chunks": small[:33] + make_chunk(b"tEXt", b"") * 1_300_000,
        "strips": make_strips(60_000),
        "comments": gif[:frame] + comments + gif[frame:],
        "small tags": b"II*\0\x08\0\0\0" + make_tags({i: i for i in range(1, 5000)}),
        "tags": b"II*\0" + struct.pack("<I", end) + bytes(end - 8) + b"\xe7\xfd" + tags,
    }


@pytest.mark.parametrize("name", HOSTILE := make_hostile())
def test_a_header_of_many_parts_takes_a_bounded_time(name):
    begun = time.process_time()
    if name == "EXIF":  # of which only the first part is read
        open_picture(HOSTILE[name], LIMIT, 640)
    else:
        with pytest.raises(InvalidImage, match=r"too many parts|more than \d+ chunks"):
            open_picture(HOSTILE[name], LIMIT, 640)
    assert time.process_time() - begun < 1.5


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG", "progressive JPEG"])
def test_the_limit_of_pixels_holds_before_anything_is_decoded(kind, monkeypatch):
    options = {"progressive": True} if kind.startswith("progressive") else {}
    content = encode(smooth(600, 400), kind.split()[-1], **options)
    assert open_picture(content, 240_000, 640).width == 600

    def decode(*_, **__):
        raise AssertionError("it was decoded")

    monkeypatch.setattr(Image.Image, "load", decode)
    monkeypatch.setattr(Image.Image, "convert", decode)
    monkeypatch.setattr(simplejpeg, "decode_jpeg", decode)
    monkeypatch.setattr(cv2, "imdecode", decode)
    with pytest.raises(TooLarge, match="600x400 pixels; 239999 is the limit"):
        open_picture(content, 239_999, 640)


def test_an_array_is_held_to_the_same_limit():
    from transformer.faces import FaceFinder
    from transformer.settings import TransformerSettings

    finder = FaceFinder(TransformerSettings(max_pixels=10_000))
    assert finder.open(np.zeros((100, 100, 3), np.uint8), 640).width == 100
    with pytest.raises(TooLarge):
        finder.open(np.zeros((100, 101, 3), np.uint8), 640)
