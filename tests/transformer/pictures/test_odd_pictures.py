"""A picture whose pixels are all there is read, whatever else is odd; others are refused."""

import re
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import simplejpeg

from serving.errors import InvalidImage
from tests.support import picture_files as files
from tests.support.picture_files import detailed, encode, encode_inks, make_chunk, smooth
from tests.transformer.pictures.test_picture import read
from transformer.pictures.decoders import LOST

PIXELS = detailed(200, 152)
KINDS = {
    "plain": encode(PIXELS),
    "progressive": encode(PIXELS, progressive=True),
    "restarts": encode(PIXELS, restart_marker_rows=1),
    "progressive restarts": encode(PIXELS, progressive=True, restart_marker_rows=1),
    "grey": encode(detailed(200, 152, "L")),
    "4:4:4": encode(PIXELS, subsampling=0),
    "inks": encode_inks(PIXELS),
    "progressive inks": encode_inks(PIXELS, progressive=True),
    "inks restarts": encode_inks(PIXELS, restart_marker_rows=1),
}
HARMLESS = {
    "zero scan": files.write_zero_scan,
    "stray bytes at the end": files.stray_at_end,
    "stray byte in the header": files.stray_in_header,
    "lost profile part": files.lose_profile_part,
    "JFIF 2": files.write_jfif_2,
    "broken EXIF": files.break_exif,
    "repeated marker byte": files.repeat_marker_byte,
    "metadata": files.add_metadata,
    "video": files.add_video,
    "stray bytes before a restart": files.stray_at_restart,
}
MISSING = {
    "end, but its marker": files.cut_end,
    "end": lambda jpeg: jpeg[: jpeg.rindex(b"\xff\xd9") - 300],
    "data before a restart": files.cut_before_restart,
    "a restart": files.lose_restart,
}


def list_cases(flaws: dict) -> list[tuple[str, str]]:
    return [
        (kind, flaw)
        for kind in KINDS
        for flaw in flaws
        if ("restarts" in kind or "restart" not in flaw)
        and ("progressive" not in kind or flaw != "zero scan")
    ]


@pytest.mark.parametrize("kind, flaw", list_cases(HARMLESS))
def test_flaws_that_cost_no_pixel_change_none(kind, flaw):
    off = np.abs(read(HARMLESS[flaw](KINDS[kind])).astype(int) - read(KINDS[kind]))
    assert off.max() <= (6 if "inks" in kind else 0)


@pytest.mark.parametrize("kind, flaw", list_cases(MISSING))
def test_a_jpeg_that_lacks_data_is_refused(kind, flaw):
    with pytest.raises(InvalidImage, match="only part of one"):
        read(MISSING[flaw](KINDS[kind]))


def test_broken_codes_are_refused():
    with pytest.raises(InvalidImage, match="bad Huffman code"):
        read(files.write_bad_code(KINDS["restarts"]))


def test_each_warning_of_the_library_has_its_verdict():
    """What its binary has of texts like these, and which of them cost no pixel."""
    binary = next(Path(simplejpeg.__file__).parent.glob("_jpeg*.so")).read_bytes()
    texts = re.findall(rb"Corrupt JPEG data: [^\0]+|Premature end of JPEG[^\0]*", binary)
    harmless = {text.decode() for text in texts if not LOST.match(text.decode())}
    assert harmless == {
        "Corrupt JPEG data: %u extraneous bytes before marker 0x%02x",
        "Corrupt JPEG data: bad ICC marker",
    }
    assert len(set(texts)) - len(harmless) == 5


def test_a_plain_jpeg_is_decoded_once(monkeypatch):
    monkeypatch.setattr(simplejpeg, "decode_jpeg", Mock(wraps=simplejpeg.decode_jpeg))
    for kind in ("plain", "progressive", "inks"):
        read(KINDS[kind])
    assert simplejpeg.decode_jpeg.call_count == 3


PNG_PIXELS = smooth(60, 44)
PNG = encode(PNG_PIXELS, "PNG")
HEADER, DATA = PNG[8:33], PNG[33:-12]
INDEXED = make_chunk(b"IHDR", bytes([0, 0, 0, 60, 0, 0, 0, 44, 8, 3, 0, 0, 0]))
UNUSED = {
    "compressed text": make_chunk(b"zTXt", b"Comment\0\0no end"),
    "profile of an unknown compression": make_chunk(b"iCCP", b"icc\0\1x"),
    "wrong checksum of a comment": make_chunk(b"tEXt", b"Comment\0hello", wrong=1),
    "gamma without a value": make_chunk(b"gAMA", b""),
    "unknown chunk": make_chunk(b"QWER", bytes(9)),
    "animation of no frames": make_chunk(b"acTL", bytes(8)),
    "frame out of order": make_chunk(b"fcTL", bytes(26)) + make_chunk(b"fdAT", bytes(5)),
    "palette that is not needed": make_chunk(b"PLTE", b"\1\2", wrong=1),
    "second header": make_chunk(b"IHDR", bytes(13)),
    "EXIF without sense": make_chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("name", UNUSED)
@pytest.mark.parametrize("at", [33, -12])
def test_no_chunk_that_is_not_used_matters(name, at):
    np.testing.assert_array_equal(read(PNG[:at] + UNUSED[name] + PNG[at:]), PNG_PIXELS)


def test_the_end_chunk_may_be_missing():
    for content in (PNG[:-12], PNG[:-5]):
        np.testing.assert_array_equal(read(content), PNG_PIXELS)


@pytest.mark.parametrize(
    "chunks",
    [
        HEADER[:-1] + b"x" + DATA,
        DATA,
        make_chunk(b"IHDR", bytes(5)) + DATA,
        make_chunk(b"IHDR", bytes(13)) + DATA,
        INDEXED + DATA,
        INDEXED + make_chunk(b"PLTE", bytes(6), wrong=1) + DATA,
        HEADER,
        HEADER + DATA[:-60],
        HEADER + DATA[:100] + b"\xff" * 50 + DATA[150:],
        b"",
    ],
)
def test_a_png_without_what_its_pixels_need_is_refused(chunks):
    with pytest.raises(InvalidImage, match="PNG is broken, only part of one"):
        read(PNG[:8] + chunks)
