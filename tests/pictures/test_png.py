"""A PNG is refused for what its pixels need, and for nothing else."""

import io
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pictures import PictureError, open_file, read_rgb
from tests.pictures.files import encode, make_chunk, make_exif, smooth
from tests.support.soak import COUNTS, SOAK

PIXELS = smooth(60, 44)
PLAIN = encode(PIXELS, "PNG")
BIG = zlib.compress(bytes(3_000_000), 9)  # above Pillow's limit of 1 MiB

UNUSED = {
    "large text": make_chunk(b"zTXt", b"Comment\0\0" + BIG),
    "large international text": make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BIG),
    "large profile": make_chunk(b"iCCP", b"icc\0\0" + BIG),
    "unknown compression of the profile": make_chunk(b"iCCP", b"icc\0\1" + BIG),
    "broken text": make_chunk(b"zTXt", b"no end"),
    "private chunk": make_chunk(b"vpAg", bytes(9)),
    "unknown chunk": make_chunk(b"QWER", bytes(9)),
    "animation of no frames": make_chunk(b"acTL", bytes(8)),
    "frame out of order": make_chunk(b"fcTL", bytes(26)) + make_chunk(b"fdAT", bytes(5)),
    "palette that is not needed": make_chunk(b"PLTE", b"\1\2", wrong=1),
    "second header": make_chunk(b"IHDR", bytes(13)),
    "EXIF without sense": make_chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff"),
}
KINDS = [b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"hIST"]
KINDS += [b"pHYs", b"sPLT", b"tIME", b"tRNS", b"acTL", b"cICP", b"eXIf", b"mDCV"]


def insert(png: bytes, *chunks: bytes, at: int = 33) -> bytes:
    return png[:at] + b"".join(chunks) + png[at:]


@pytest.mark.parametrize("name", UNUSED)
@pytest.mark.parametrize("at", [33, -12])
def test_no_chunk_that_is_not_used_matters(name, at):
    np.testing.assert_array_equal(read_rgb(insert(PLAIN, UNUSED[name], at=at)), PIXELS)


@settings(max_examples=200 * SOAK, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.binary(max_size=40), st.integers(0, 1)), max_size=5
    ),
    st.sampled_from([33, -12]),
)
def test_ancillary_chunks_may_be_of_any_length_content_and_checksum(chunks, at):
    COUNTS["PNGs"] += 1
    content = insert(PLAIN, *(make_chunk(*chunk) for chunk in chunks), at=at)
    file = open_file(content)
    assert (file.width, file.height) == (60, 44) and b"tEXt" not in file.content
    np.testing.assert_array_equal(np.sort(read_rgb(content), None), np.sort(PIXELS, None))


def make_png(*chunks: bytes) -> bytes:
    return PLAIN[:8] + b"".join(chunks)


HEADER, DATA = PLAIN[8:33], PLAIN[33:-12]
INDEXED = make_chunk(b"IHDR", bytes([0, 0, 0, 60, 0, 0, 0, 44, 8, 3, 0, 0, 0]))
REFUSED = {
    "header's checksum": (make_png(HEADER[:-1] + b"x", DATA), "IHDR is broken: its checksum"),
    "header is missing": (make_png(DATA), "does not begin with its header"),
    "header is short": (make_png(make_chunk(b"IHDR", bytes(5)), DATA), "no header"),
    "no size": (make_png(make_chunk(b"IHDR", bytes(13)), DATA), "no width or no height"),
    "palette is missing": (make_png(INDEXED, DATA), "no palette"),
    "palette's checksum": (
        make_png(INDEXED, make_chunk(b"PLTE", bytes(6), wrong=1), DATA),
        "PLTE is broken",
    ),
    "pixels are missing": (make_png(HEADER, make_chunk(b"IEND", b"")), "no pixels"),
    "pixels are cut off": (PLAIN[:-60], "PNG is broken or only part of one"),
    "pixels end too soon": (
        make_png(HEADER, make_chunk(b"IDAT", zlib.compress(bytes(1000)))),
        "PNG is broken or only part of one",
    ),
    "pixels are broken": (
        make_png(HEADER, DATA[:100] + b"\xff" * 50 + DATA[150:]),
        "PNG is broken or only part of one",
    ),
    "sent as text": (PLAIN.replace(b"\r\n", b"\n"), "as by a transfer of it as text"),
    "only a signature": (PLAIN[:8], "no header"),
    "many chunks": (insert(PLAIN, make_chunk(b"tEXt", b"") * 100_000), "more than 100000 chunks"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_pixels_need_is_named(name):
    content, message = REFUSED[name]
    with pytest.raises(PictureError, match=message):
        read_rgb(content)


def test_the_end_chunk_and_the_sum_of_pixels_may_be_missing():
    for content in (PLAIN[:-12], PLAIN[:-5], PLAIN[:-16] + b"abcd" + PLAIN[-12:]):
        np.testing.assert_array_equal(read_rgb(content), PIXELS)


@pytest.mark.parametrize("at", [33, -12])
def test_exif_turns_before_and_after_the_pixels(at):
    assert read_rgb(insert(PLAIN, make_chunk(b"eXIf", make_exif(6)), at=at)).shape == (60, 44, 3)


def test_exif_in_a_text_turns_as_imagemagick_writes_it():
    raw = (b"Exif\0\0" + make_exif(6)).hex().encode()
    text = b"\nexif\n      %d\n%s\n" % (len(raw) // 2, raw)
    for chunk in (
        make_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)),
        make_chunk(b"tEXt", b"Raw profile type APP1\0" + text),
    ):
        assert read_rgb(insert(PLAIN, chunk)).shape == (60, 44, 3)


def test_a_text_of_exif_is_unpacked_within_a_limit():
    bomb = make_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(50_000_000), 9))
    content = insert(PLAIN, bomb)
    tracemalloc.start()
    open_file(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_all_kinds_of_pixels_are_read(mode):
    image = Image.fromarray(PIXELS).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    np.testing.assert_array_equal(read_rgb(buffer.getvalue()), np.asarray(image.convert("RGB")))


def test_sixteen_bits_keep_their_upper_half():
    grey = np.asarray(Image.fromarray(PIXELS).convert("L")).astype(np.uint16)
    assert (read_rgb(encode(grey * 256 + 99, "PNG")) == grey[:, :, None]).all()
