"""Pictures: upright, at the scale that is needed, and refused where they are broken."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from pictures import read_rgb
from serving.errors import InvalidImage, ServingError
from tests.pictures.files import encode, smooth
from tests.support.soak import COUNTS, SOAK
from transformer.picture import open_picture

LIMIT = 40_000_000


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_part_of_a_picture_is_none(kind):
    content = encode(smooth(200, 200), kind)
    for part in (0, 1, 3, 20, len(content) // 2, len(content) * 3 // 4):
        with pytest.raises(InvalidImage):
            picture = open_picture(content[:part], LIMIT, 640)
            picture.decode_full()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("frames", [1, 3])
def test_service_and_client_see_the_same_webp(mode, lossless, frames):
    images = [Image.fromarray(smooth(301, 203)[::step]).convert(mode) for step in (1, -1, 1)]
    buffer = io.BytesIO()
    options = {"save_all": frames > 1, "append_images": images[1:frames], "lossless": lossless}
    images[0].save(buffer, "WEBP", **options)
    seen = open_picture(buffer.getvalue(), LIMIT, 640).small
    np.testing.assert_array_equal(seen, read_rgb(buffer.getvalue()))


FILES = [encode(smooth(40, 30), kind) for kind in ("JPEG", "PNG", "WEBP")]
FILES.append(make_turned(6, 1300, 20))


@settings(max_examples=300 * SOAK, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_any_bytes_are_a_picture_or_refused(content, data):
    COUNTS["pictures"] += 1
    broken = bytearray(content)
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    broken = broken[: data.draw(st.integers(0, len(broken)))]
    try:
        open_picture(bytes(broken), 1_000_000, 640).decode_full()
    except ServingError as error:
        assert error.http_status in (400, 413)
