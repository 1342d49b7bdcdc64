"""Pictures: upright, at the scale that is needed, and refused with what they are."""

import base64
import io

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from serving.errors import InvalidImage, ServingError
from tests.support import picture_files as files
from tests.support.environment import COUNTS, SOAK
from tests.support.picture_files import encode, insert, make_exif, segment, smooth
from transformer.pictures import kinds
from transformer.pictures.picture import Picture, Pixels, open_picture, read_orientation

LIMIT = 40_000_000
LOSSLESS = {"WEBP": {"lossless": True}}
FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"]


def read(content: bytes) -> Pixels:
    return open_picture(content, LIMIT, 640).small


def make_turned(orientation: int, width: int = 300, height: int = 200, kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(smooth(width, height), kind, quality=95, exif=exif)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_as_pillow_does(orientation, kind):
    content = make_turned(orientation, kind=kind)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    picture = open_picture(content, LIMIT, 640)
    assert (picture.height, picture.width) == wanted.shape[:2] == picture.small.shape[:2]
    assert np.abs(picture.small.astype(int) - wanted).max() <= 3


def test_only_exif_that_makes_sense_turns():
    for order in ("big", "little"):
        assert [read_orientation(make_exif(n, order)) for n in range(10)] == [1, *range(1, 9), 1]
    for exif in (b"", b"MM", make_exif(6)[:15], b"Exif\0\0MM\0*" + b"\xff" * 9):
        assert read_orientation(exif) == 1
    assert read_orientation(b"Exif\0\0" + make_exif(6)) == 6
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    plain = encode(smooth(60, 44))
    assert read(insert(plain, 2, segment(0xE1, xmp))).shape == (44, 60, 3)
    both = segment(0xE1, xmp) + segment(0xE1, b"Exif\0\0" + make_exif(8))
    assert read(insert(plain, 2, both)).shape == (60, 44, 3)
    png = encode(smooth(60, 44), "PNG")
    for at in (33, len(png) - 12):  # before and after the pixels
        assert read(insert(png, at, files.make_chunk(b"eXIf", make_exif(6)))).shape == (60, 44, 3)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("width, scale", [(1279, 1), (1280, 2), (3001, 4), (5121, 8)])
def test_a_jpeg_is_decoded_as_far_as_the_detector_needs(width, scale, orientation):
    content = make_turned(orientation, width, width * 3 // 4 + 1)
    picture = open_picture(content, LIMIT, 640)
    assert picture.scale == scale
    assert max(picture.small.shape) == -(-width // scale) >= 640
    full = picture.read(1)[0]
    assert full.shape[:2] == (picture.height, picture.width)
    grey = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("L")
    found = np.asarray(Image.fromarray(full).convert("L")).astype(int)
    assert np.abs(found - np.asarray(grey)).max() <= 3


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "1"])
def test_every_mode_becomes_rgb(kind, mode):
    image = Image.fromarray(smooth(64, 48)).convert(mode)
    try:
        content = encode(image, kind, **LOSSLESS.get(kind, {}))
    except (OSError, ValueError):
        pytest.skip("there is no such file")
    wanted = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    assert np.abs(read(content) - wanted).max() <= (3 if mode == "CMYK" else 0)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "AVIF", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_read(kind):
    frames = [Image.fromarray(smooth(61, 44)[::step]) for step in (1, -1)]
    options = LOSSLESS.get(kind, {})
    film = encode(frames[0], kind, save_all=True, append_images=frames[1:] * 3, **options)
    assert np.abs(read(film).astype(int) - read(encode(frames[0], kind, **options))).mean() < 3


def test_transparent_pixels_are_what_is_stored_and_sixteen_bits_keep_their_upper_half():
    for kind in ("PNG", "TIFF"):
        assert (read(encode(np.full((20, 20), 0x80A0, np.uint16), kind)) == 0x80).all()
    for dtype in (np.int32, np.float32):
        with pytest.raises(InvalidImage, match="32 bits or signs"):
            read(encode(np.ones((20, 20), dtype), "TIFF"))
    pixels = np.dstack([smooth(61, 44), np.zeros((44, 61), np.uint8)])
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        np.testing.assert_array_equal(read(encode(pixels, kind, **options)), pixels[:, :, :3])


@pytest.mark.parametrize("inks", [False, True])
def test_a_sampling_that_the_fast_decoder_lacks_is_read(inks):
    """Chrominance of half the height and of half the width: Pillow reads it."""
    content = files.make_black(1300, 1000, [(2, 2), (2, 1), (1, 2), *([(1, 1)] if inks else [])])
    with pytest.raises(ValueError, match="subsampling"):
        simplejpeg.decode_jpeg(content)
    picture = open_picture(content, LIMIT, 640)
    assert picture.small.shape == (500, 650, 3)
    assert picture.read(1, "GRAY")[0].shape == (1000, 1300)
    with pytest.raises(InvalidImage, match="only part of one"):
        read(content[:-25])


@pytest.mark.parametrize("kind", FORMATS)
def test_part_of_a_picture_is_none(kind):
    content = encode(smooth(200, 200), kind)
    for part in (0, 1, 3, 20, len(content) // 2, len(content) * 3 // 4):
        with pytest.raises(InvalidImage):
            open_picture(content[:part], LIMIT, 640).read(1)[0]


def make_jpeg(frame: int, bits: int = 8, components: int = 3) -> bytes:
    parts = b"".join(bytes([i, 0x11, 0]) for i in range(components))
    head = bytes([bits, 0, 44, 0, 60, components]) + parts
    scan = segment(0xDA, bytes([components]) + bytes(2 * components) + b"\0\x3f\0")
    return b"\xff\xd8" + segment(frame, head) + scan + b"\x12" * 50 + b"\xff\xd9"


BLUE_HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAWltZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAA"
    "AAAAAAAAAA5waXRtAAAAAAABAAAAImlsb2MAAAAAREAAAQABAAAAAAGNAAEAAAAAAAAAGgAAACNpaW5mAAAAAAABAAAA"
    "FWluZmUCAAAAAAEAAGh2YzEAAAAA6WlwcnAAAADKaXBjbwAAAHZodmNDAQNwAAAAAAAAAAAAHvAA/P34+AAADwNgAAEA"
    "GEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMAIAAA"
    "AwAhYgABAAZEAcFzwIkAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFwAAAAQAAAAAEAAAAwAAAAAQAAAAAAAAAC////"
    "8AAAAAIAAAAQcGl4aQAAAAADCAgIAAAAF2lwbWEAAAAAAAAAAQABBIECBIMAAAAibWRhdAAAABYoAa8ZgO9Jpb//1yUR"
    "35e/pq1pj5uA"
)
HEIC = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(50)
VP8X = files.pack_chunk(b"VP8X", bytes(4) + (59).to_bytes(3, "little") + (43).to_bytes(3, "little"))


@pytest.mark.parametrize(
    "content, message",
    [
        (make_jpeg(0xC1, 12), "12-bit.*save it as an ordinary JPEG or PNG"),
        (make_jpeg(0xC3), "JPEG is.*of a rare kind.*save it as an ordinary JPEG or PNG"),
        (make_jpeg(0xC5), "JPEG is.*of a rare kind.*save it as an ordinary JPEG or PNG"),
        (make_jpeg(0xC0, components=2), "2-layer"),
        (encode(smooth(60, 44))[:100], "JPEG is broken, only part of one"),
        (files.pack_webp(VP8X), "WebP is broken, only part of one"),
        (encode(smooth(60, 44), "PNG").replace(b"\r\n", b"\n"), "PNG, and a transfer as text"),
        (HEIC, "This is HEIC: export it as JPEG, or install pi-heif.*JPEG, PNG, WebP, AVIF, GIF"),
        (b"\0\0\0\x18ftypisom" + bytes(50), "video"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "This is JPEG XL"),
        (b"%PDF-1.7", "This is a PDF"),
        (b"\n <!doctype html>", "SVG, HTML or other XML"),
        (b"data:image/png;base64,iVBOR", "data URL; send the bytes themselves"),
        (b"RIFF\0\0\0\0WAVE", "bytes are not a picture; JPEG, PNG"),
        (b"", "has 0 bytes"),
    ],
)
def test_what_is_not_read_is_named(content, message):
    if "HEIF" in kinds.KINDS and content == HEIC:
        message = "HEIC is broken"
    with pytest.raises(InvalidImage, match=message):
        read(content)


def test_heic_is_read_where_its_package_is():
    pytest.importorskip("pi_heif", reason="pi-heif is not installed")
    seen = read(base64.b64decode(BLUE_HEIC)).astype(int)
    assert seen.shape == (48, 64, 3) and np.abs(seen - [0x33, 0x66, 0x99]).max() < 6


FILES = [*(encode(smooth(40, 30), kind) for kind in FORMATS), make_turned(6, 1300, 20)]


@settings(max_examples=400 * SOAK, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_any_bytes_are_a_picture_or_refused(content, data):
    COUNTS["pictures"] += 1
    broken = bytearray(content)
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    broken = broken[: data.draw(st.integers(0, len(broken)))]
    try:
        picture = open_picture(bytes(broken), 1_000_000, 640)
        assert isinstance(picture, Picture) and picture.read(1)[0].size
    except ServingError as error:
        assert error.http_status in (400, 413)
