"""Pictures: upright, at the scale that is needed, and refused before they cost anything."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from serving.errors import InvalidImage, ServingError, TooLarge
from transformer.picture import open_picture
from transformer.upright import turn_upright

SOAK = int(os.environ.get("SOAK", "1"))
LIMIT = 40_000_000


def encode(pixels: np.ndarray, kind: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def smooth(width: int, height: int, mode: str = "RGB") -> np.ndarray:
    seed = np.random.default_rng(2).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(seed).resize((width, height)).convert(mode))


def make_turned(orientation: int, width: int = 300, height: int = 200) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(smooth(width, height), quality=95, exif=exif)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_as_pillow_does(orientation):
    content = make_turned(orientation)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    picture = open_picture(content, LIMIT, 640)
    assert (picture.height, picture.width) == wanted.shape[:2] == picture.small.shape[:2]
    assert np.abs(picture.small.astype(int) - wanted).max() <= 3
    stored = np.arange(6).reshape(2, 3)
    turned = turn_upright(stored, orientation)
    assert turned.shape == ((2, 3) if orientation < 5 else (3, 2))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("width, scale", [(1279, 1), (1280, 2), (3001, 4), (5121, 8)])
def test_a_jpeg_is_decoded_as_far_as_the_detector_needs(width, scale, orientation):
    content = make_turned(orientation, width, 501)
    picture = open_picture(content, LIMIT, 640)
    assert picture.scale == scale
    assert max(picture.small.shape) == -(-width // scale) >= 640
    full = picture.decode_full()
    assert full.shape[:2] == (picture.height, picture.width)
    grey = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("L")
    found = np.asarray(Image.fromarray(full).convert("L")).astype(int)
    assert np.abs(found - np.asarray(grey)).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "1"])
def test_every_mode_becomes_rgb(kind, mode):
    if (kind, mode) in {("JPEG", "RGBA"), ("JPEG", "P"), ("PNG", "CMYK"), ("JPEG", "1")}:
        pytest.skip("there is no such file")
    buffer = io.BytesIO()
    image = Image.fromarray(smooth(64, 48)).convert(mode)
    (image.convert("RGB") if kind == "WEBP" and mode in ("CMYK", "1") else image).save(buffer, kind)
    picture = open_picture(buffer.getvalue(), LIMIT, 640)
    assert picture.small.shape == (48, 64, 3) and picture.small.dtype == np.uint8


def test_sixteen_bits_keep_their_upper_half():
    grey = np.full((20, 20), 0x8040, np.uint16)
    picture = open_picture(encode(grey, "PNG"), LIMIT, 640)
    assert (picture.small == 0x80).all()


def make_png_bomb(side: int) -> bytes:
    """A PNG whose header tells of side*side pixels; nothing but a header is needed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def make_scan_bomb(scans: int) -> bytes:
    """A progressive JPEG that paints itself over and over again."""
    content = encode(smooth(512, 512), progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * scans + b"\xff\xd9"


def make_text_bomb() -> bytes:
    """A PNG with a compressed text of 100 MB."""
    text = b"x\0\0" + zlib.compress(bytes(100_000_000), 9)
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + text))
    content = encode(smooth(32, 32), "PNG")
    return content[:33] + chunk + content[33:]


BOMBS = {
    "png of 4 gigapixels": (make_png_bomb(2**16), TooLarge),
    "png cut short": (make_png_bomb(1000), InvalidImage),
    "webp of 268 megapixels": (
        encode(np.zeros((16383, 2600, 3), np.uint8), "WEBP", method=0, quality=1),
        TooLarge,
    ),
    "jpeg of 1,000 scans": (make_scan_bomb(1000), InvalidImage),
    "png text": (make_text_bomb(), InvalidImage),
}


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_are_refused_in_no_time(case):
    import time

    content, kind = BOMBS[case]
    begun = time.perf_counter()
    with pytest.raises(kind):
        open_picture(content, LIMIT, 640)
    assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_part_of_a_picture_is_none(kind):
    content = encode(smooth(200, 200), kind)
    for part in (0, 1, 3, 20, len(content) // 2, len(content) * 3 // 4):
        with pytest.raises(InvalidImage):
            picture = open_picture(content[:part], LIMIT, 640)
            picture.decode_full()


FILES = [encode(smooth(40, 30), kind) for kind in ("JPEG", "PNG", "WEBP")]
FILES.append(make_turned(6, 1300, 20))


@settings(max_examples=300 * SOAK, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_any_bytes_are_a_picture_or_refused(content, data):
    broken = bytearray(content)
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    broken = broken[: data.draw(st.integers(0, len(broken)))]
    try:
        open_picture(bytes(broken), 1_000_000, 640).decode_full()
    except ServingError as error:
        assert error.http_status in (400, 413)
