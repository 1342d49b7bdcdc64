"""What is refused is named by what it is."""

import pytest
from PIL import Image

from pictures import PictureError, open_file, read_rgb
from pictures.jpeg_walk import walk_jpeg
from tests.pictures.files import (
    add_metadata,
    add_video,
    encode,
    insert,
    make_chunk,
    pack_chunk,
    segment,
    smooth,
)

PLAIN = encode(smooth(60, 44))


def make_jpeg(frame: int, bits: int = 8, components: int = 3) -> bytes:
    """A JPEG's header, and a scan of nothing."""
    parts = b"".join(bytes([i, 0x11, 0]) for i in range(components))
    head = bytes([bits, 0, 44, 0, 60, components]) + parts
    scan = segment(0xDA, bytes([components]) + bytes(2 * components) + b"\0\x3f\0")
    return b"\xff\xd8" + segment(frame, head) + scan + b"\x12" * 50 + b"\xff\xd9"


@pytest.mark.parametrize(
    "content, message",
    [
        (make_jpeg(0xC1, 12), "JPEG of 12 bits.*save it as an ordinary JPEG of 8 bits"),
        (make_jpeg(0xC3), "lossless JPEG.*save it as an ordinary JPEG of 8 bits, or as PNG"),
        (make_jpeg(0xC5), "hierarchical JPEG.*save it as"),
        (make_jpeg(0xC0, components=2), "has 2 components"),
        (PLAIN[:100], "JPEG is only part of one"),
        (b"\xff\xd8\xff\xd9", "JPEG is only part of one"),
        (b"GIF89a" + bytes(50), "no picture that is read here"),
        (b"\xff\xd8", "no picture that is read here"),
        (b"RIFF\0\0\0\0WAVE", "no picture that is read here"),
    ],
)
def test_what_is_not_read_is_named(content, message):
    with pytest.raises(PictureError, match=message):
        open_file(content)


def test_metadata_and_what_follows_are_not_looked_into():
    whole = [(s.marker, s.end - s.start) for s in walk_jpeg(PLAIN)]
    odd = [(s.marker, s.end - s.start) for s in walk_jpeg(add_video(add_metadata(PLAIN)))]
    assert [s for s in odd if s[0] != 0xE1] == whole and len(whole) == 11


def test_scans_are_counted_before_decoding():
    """Only those of the picture itself."""
    open_file(add_video(add_metadata(encode(smooth(60, 44), progressive=True))))
    jpeg = make_jpeg(0xC0)
    at = jpeg.index(b"\xff\xda")
    one = segment(0xDA, b"\1\0\0\0\x3f\0") + b"\x12"
    with pytest.raises(PictureError, match="more than 100 scans"):
        open_file(jpeg[:at] + one * 101 + jpeg[at:])


def test_segments_and_chunks_are_bounded():
    jpeg = insert(PLAIN, 2, segment(0xE1, b"") * 10_001)
    png = insert(encode(smooth(60, 44), "PNG"), 33, make_chunk(b"tEXt", b"") * 100_001)
    webp = encode(smooth(60, 44), "WEBP") + pack_chunk(b"ABCD", b"") * 10_001
    for content, what in ((jpeg, "10000 segments"), (png, "100000 chunks"), (webp, "10000 chunks")):
        with pytest.raises(PictureError, match=f"more than {what}"):
            open_file(content)


def test_more_pixels_than_pillow_opens_are_named(monkeypatch):
    """The service switches Pillow's own limit off; in the client's process it may be on."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(PictureError, match="more pixels than Pillow opens"):
        read_rgb(encode(smooth(64, 64), "PNG"))
