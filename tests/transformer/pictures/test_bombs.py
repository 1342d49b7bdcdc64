"""Decompression bombs: a few bytes that would cost much to decode, refused before they do."""

import contextlib
import json
import struct
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from serving.errors import InvalidImage, TooLarge
from tests.support.environment import run
from tests.support.hostile.bodies import write_jpeg, write_png
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
from transformer.faces import FaceFinder
from transformer.pictures.picture import open_picture
from transformer.settings import TransformerSettings


def make_webp_bomb(side: int) -> bytes:
    """A WebP whose canvas is side*side pixels around a small animation."""
    canvas = 2 * struct.pack("<I", side - 1)[:3]
    frame = bytes(6) + 2 * struct.pack("<I", 31)[:3] + bytes(4)  # 32x32 in a corner
    picture = encode(smooth(32, 32), "WEBP", lossless=True)[12:]
    parts = ((b"VP8X", b"\2\0\0\0" + canvas), (b"ANIM", bytes(6)), (b"ANMF", frame + picture))
    return pack_webp(*(pack_chunk(kind, data) for kind, data in parts))


CUT = zlib.compress(bytes(10_000))
SMALL = encode(smooth(32, 32), "PNG")
TEXT = make_chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(100_000_000), 9))
BOMBS = {
    "png of 144 megapixels": (write_png(12_000, 12_000, CUT), TooLarge),
    "png cut short": (write_png(1000, 1000, CUT), InvalidImage),
    "png with a text of 100 MB": (SMALL[:33] + TEXT + SMALL[33:], None),  # which is passed over
    "webp of 256 megapixels": (make_webp_bomb(16_000), TooLarge),
    "thin png": (encode(np.zeros((700_000, 1), np.uint8), "PNG"), TooLarge),
    "jpeg of 883 scans": (write_jpeg(883, 2800), InvalidImage),
    "jpeg of 3,529 scans, as printers have them": (write_jpeg(3529, 1400, "CMYK"), InvalidImage),
}


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_cost_no_time(case):
    content, kind = BOMBS[case]
    assert len(content) < 200_000
    begun = time.process_time()
    with pytest.raises(kind) if kind else contextlib.nullcontext():
        assert open_picture(content, LIMIT, 640).width == 32
    assert time.process_time() - begun < 5


def run_program(program: str, folder: Path, files: Iterable[bytes]) -> str:
    """Run it in a process of its own over a folder with these files; gives what it prints."""
    for number, content in enumerate(files):
        (folder / str(number)).write_bytes(content)
    return run("python", "-c", program, folder)


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
    grown = json.loads(run_program(WATCHED, tmp_path, (content for content, _ in BOMBS.values())))
    assert len(grown) == len(BOMBS) and max(grown.values()) < 32, f"MiB: {grown}"


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
    files = [SMALL, encode(large, "PNG", compress_level=1), encode(large, "BMP")]
    told = run_program(SHORT, tmp_path, [*files, make_webp_bomb(6000)])
    assert told.split() == ["out_of_memory"] * 3


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
        "comments": gif[:frame] + comments + gif[frame:],
        "small tags": b"II*\0\x08\0\0\0" + make_tags({i: i for i in range(1, 1000)}),
        "tags": b"II*\0" + struct.pack("<I", end) + bytes(end - 8) + b"\xe7\xfd" + tags,
    }


@pytest.mark.filterwarnings("ignore:Tag data larger than file")  # one line for each of them
@pytest.mark.parametrize("name", HOSTILE := make_hostile())
def test_a_header_of_many_parts_takes_a_bounded_time(name):
    begun = time.process_time()
    refused = pytest.raises(InvalidImage, match=r"too many parts|more than \d+ chunks")
    with contextlib.nullcontext() if name == "EXIF" else refused:  # of which the first part is read
        open_picture(HOSTILE[name], LIMIT, 640)
    assert time.process_time() - begun < 6  # a twentieth of it, where the host is not busy


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG", "progressive JPEG"])
def test_the_limit_of_pixels_holds_before_anything_is_decoded(kind, monkeypatch):
    options = {"progressive": True} if kind.startswith("progressive") else {}
    content = encode(smooth(600, 400), kind.split()[-1], **options)
    assert open_picture(content, 240_000, 640).width == 600

    decode = Mock()
    for place in ((Image.Image, "load"), (Image.Image, "convert"), (cv2, "imdecode")):
        monkeypatch.setattr(*place, decode)
    monkeypatch.setattr(simplejpeg, "decode_jpeg", decode)
    with pytest.raises(TooLarge, match="600x400 pixels; 239999 is the limit"):
        open_picture(content, 239_999, 640)
    assert not decode.called


def test_an_array_is_held_to_the_same_limit():
    finder = FaceFinder(TransformerSettings(max_pixels=10_000))
    assert finder.open(np.zeros((100, 100, 3), np.uint8), 640).width == 100
    with pytest.raises(TooLarge):
        finder.open(np.zeros((100, 101, 3), np.uint8), 640)
