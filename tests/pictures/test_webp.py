"""A WebP is refused for what its pixels need, and for nothing else."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pictures import PictureError, open_file, read_rgb
from tests.pictures.files import encode, make_exif, pack_chunk, pack_webp, smooth
from tests.support.soak import COUNTS, SOAK

PIXELS = smooth(61, 44)
LOSSY, LOSSLESS = encode(PIXELS, "WEBP"), encode(PIXELS, "WEBP", lossless=True)
SIZE = (60).to_bytes(3, "little") + (43).to_bytes(3, "little")


def extend(webp: bytes, *others: bytes, flags: int = 0x2C) -> bytes:
    """The extended form of a simple WebP: all flags of metadata, and chunks after the pixels."""
    return pack_webp(pack_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + SIZE), webp[12:], *others)


@pytest.mark.parametrize("plain", [LOSSY, LOSSLESS])
@pytest.mark.parametrize("flags", [0, 0x2C, 0x2E])
def test_metadata_may_be_missing_broken_or_cut_off(plain, flags):
    wanted = read_rgb(plain)
    whole = extend(
        plain,
        pack_chunk(b"EXIF", make_exif(1)),
        pack_chunk(b"XMP ", b'tiff:Orientation="6"' * 50),
        flags=flags,
    )
    for content in (whole, whole[:-1], whole[:-300], extend(plain, flags=flags), plain + bytes(99)):
        np.testing.assert_array_equal(read_rgb(content), wanted)


@settings(max_examples=100 * SOAK, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([b"ICCP", b"XMP ", b"EXIF", b"ABCD"]), st.binary(max_size=40))
    ),
    st.booleans(),
)
def test_metadata_may_be_anything(chunks, before):
    COUNTS["WebPs"] += 1
    others = [pack_chunk(*chunk) for chunk in chunks]
    content = (
        pack_webp(pack_chunk(b"VP8X", b"\x2c\0\0\0" + SIZE), *others, LOSSY[12:])
        if before
        else extend(LOSSY, *others)
    )
    assert b"ICCP" not in open_file(content).content
    np.testing.assert_array_equal(np.sort(read_rgb(content), None), np.sort(read_rgb(LOSSY), None))


def test_exif_turns_and_xmp_does_not():
    assert read_rgb(extend(LOSSY, pack_chunk(b"EXIF", make_exif(6)))).shape == (61, 44, 3)
    assert read_rgb(extend(LOSSY, pack_chunk(b"EXIF", b"Exif\0\0" + make_exif(6)))).shape[0] == 61
    xmp = pack_chunk(b"XMP ", b'<x tiff:Orientation="6"/>')
    assert read_rgb(extend(LOSSY, xmp)).shape == (44, 61, 3)


@pytest.mark.parametrize("plain", [LOSSY, LOSSLESS])
def test_pixels_are_needed(plain):
    for part in range(12, len(plain), max(1, len(plain) // 40)):
        with pytest.raises(PictureError, match="WebP"):
            read_rgb(plain[:part])
    with pytest.raises(PictureError, match="WebP is only part of one"):
        read_rgb(extend(plain)[:-20])
    with pytest.raises(PictureError, match="WebP is only part of one: it has no pixels"):
        read_rgb(pack_webp(pack_chunk(b"VP8X", bytes(4) + SIZE)))
    with pytest.raises(PictureError, match="more than 10000 chunks"):
        read_rgb(extend(plain, pack_chunk(b"ABCD", b"") * 10_001))


def test_of_an_animation_the_first_frame_is_enough():
    frames = [Image.fromarray(smooth(61, 44)), Image.fromarray(smooth(61, 44)[::-1])]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:] * 3, lossless=True)
    content = buffer.getvalue()
    for part in (content, content[:-100]):
        np.testing.assert_array_equal(read_rgb(part), PIXELS)


def test_transparent_pixels_are_what_is_stored_under_them():
    pixels = np.dstack([PIXELS, np.zeros((44, 61), np.uint8)])
    content = encode(pixels, "WEBP", lossless=True, exact=True)
    np.testing.assert_array_equal(read_rgb(content), PIXELS)
    lossy = encode(np.dstack([PIXELS, np.full((44, 61), 128, np.uint8)]), "WEBP")
    assert np.abs(read_rgb(lossy).astype(int) - PIXELS).mean() < 6
