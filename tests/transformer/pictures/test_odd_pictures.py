"""A picture whose pixels are all there is read, whatever else is odd; others are refused."""

import numpy as np
import pytest
from PIL import Image

from serving.errors import InvalidImage
from tests.support.picture_files import (
    CODED,
    DHT,
    DQT,
    SOS,
    detailed,
    encode,
    find_restart,
    find_segment,
    insert,
    make_chunk,
    make_tags,
    segment,
    smooth,
)
from tests.transformer.pictures.test_picture import read
from transformer.pictures.picture import read_orientation

PIXELS = detailed(200, 152)
INKS = Image.fromarray(PIXELS).convert("CMYK")  # as printers have them
KINDS = {
    "plain": encode(PIXELS),
    "progressive": encode(PIXELS, progressive=True),
    "restarts": encode(PIXELS, restart_marker_rows=1),
    "progressive restarts": encode(PIXELS, progressive=True, restart_marker_rows=1),
    "grey": encode(detailed(200, 152, "L")),
    "4:4:4": encode(PIXELS, subsampling=0),
    "inks": encode(INKS),
    "progressive inks": encode(INKS, progressive=True),
    "inks restarts": encode(INKS, restart_marker_rows=1),
}
PROFILE = segment(0xE2, b"ICC_PROFILE\0\1\2" + bytes(300))
EXIF = segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(40))
XMP = b"http://ns.adobe.com/xmp/extension/\0" + b"\xff\xda\xff\xd9\xff\xd8" * 10_000
SCANS = b"\xff\xda\0\x0c\xff\xd9" * 85_000
HARMLESS = {
    # Samsung's phones write Ss, Se, Ah and Al of a sequential JPEG as zeros.
    "zero scan": lambda j: (
        j[: find_segment(j, SOS)[1] - 3] + bytes(3) + j[find_segment(j, SOS)[1] :]
    ),
    "stray bytes at the end": lambda j: insert(j, -2, b"\x12" * 600),
    "stray byte in the header": lambda j: insert(j, find_segment(j, DHT)[0], b"\0"),
    "lost profile part": lambda j: insert(j, 2, PROFILE),
    "JFIF 2": lambda j: j.replace(b"JFIF\0\1", b"JFIF\0\2", 1),
    "broken EXIF": lambda j: insert(j, 2, EXIF),
    "repeated marker byte": lambda j: insert(j, find_segment(j, DQT)[0], b"\xff" * 5),
    "metadata": lambda j: insert(j, 2, segment(0xE1, XMP) * 8),
    "video": lambda j: (
        j + b"\0\0\0\x18ftypmp42\0\x07\xc8\x38mdat" + b"\xff\xda\0\x0c\xff\xd9" * 85_000
    ),
    "stray bytes before a restart": lambda j: insert(j, find_restart(j, 2), b"\x12" * 8),
}
MISSING = {
    "end, but its marker": lambda j: j[:-202] + j[-2:],
    "end": lambda j: j[: j.rindex(b"\xff\xd9") - 300],
    "data before a restart": lambda j: j[: find_restart(j, 4) - 60] + j[find_restart(j, 4) :],
    "a restart": lambda j: j[: find_restart(j, 4)] + j[find_restart(j, 5) :],
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
    jpeg = KINDS["restarts"]
    at = sum(find_segment(jpeg, CODED)) // 2
    with pytest.raises(InvalidImage, match="bad Huffman code"):
        read(jpeg[:at] + b"\xff\0" * 8 + jpeg[at + 16 :])


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


def test_no_more_of_exif_is_read_than_its_orientation_needs():
    for others, orientation in ((1000, 6), (20_000, 1)):  # the latter lies too far behind
        tags = {0x0200 + i: 1 for i in range(others)} | {0x0112: 6}
        head = b"Exif\0\0II*\0\x08\0\0\0"
        assert read_orientation(head + make_tags(tags)) == orientation
