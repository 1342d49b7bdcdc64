"""A JPEG whose pixels are all there is decoded, whatever else is odd; any other is refused."""

import contextlib
import re
import time
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from pictures import PictureError, read_rgb
from tests.pictures import files
from tests.pictures.files import detailed, encode, encode_inks
from tests.support.soak import COUNTS, SOAK
from transformer.jpeg import JpegDecoder
from transformer.jpeg_warnings import HARMLESS, MISSING, find_warning

PIXELS = detailed(200, 152)
PLAIN = encode(PIXELS)
PROGRESSIVE = encode(PIXELS, progressive=True)
ROWS = encode(PIXELS, restart_marker_rows=1)
KINDS = {
    "plain": PLAIN,
    "progressive": PROGRESSIVE,
    "restarts": ROWS,
    "progressive restarts": encode(PIXELS, progressive=True, restart_marker_rows=1),
    "grey": encode(detailed(200, 152, "L")),
    "4:4:4": encode(PIXELS, subsampling=0),
    "inks": encode_inks(PIXELS),
    "progressive inks": encode_inks(PIXELS, progressive=True),
    "inks restarts": encode_inks(PIXELS, restart_marker_rows=1),
}


def decode(content: bytes, scale: int = 1) -> np.ndarray:
    return JpegDecoder(content).decode("RGB", scale)


def swap_first_scans() -> bytes:
    """A progressive JPEG whose first AC scan comes before the DC scan."""
    head, dc, ac, *rest = files.split_scans(PROGRESSIVE)
    return b"".join([head, ac, dc, *rest, b"\xff\xd9"])


WARNED = {  # a file for each warning that a decoder has been seen to give
    "ADOBE_XFORM": files.write_adobe(PLAIN),
    "BOGUS_ICC": files.lose_profile_part(PLAIN),
    "BOGUS_PROGRESSION": swap_first_scans(),
    "EXTRANEOUS_DATA": files.stray_at_end(PLAIN),
    "JFIF_MAJOR": files.write_jfif_2(PLAIN),
    "NOT_SEQUENTIAL": files.write_zero_scan(PLAIN),
    "HIT_MARKER": files.cut_end(PLAIN),
    "HUFF_BAD_CODE": files.write_bad_code(ROWS),
    "MUST_RESYNC": files.lose_restart(ROWS),
    "JPEG_EOF": PLAIN[:-200],
}


@pytest.mark.parametrize("name", WARNED)
def test_each_warning_has_its_verdict(name):
    with pytest.raises(ValueError) as caught:
        simplejpeg.decode_jpeg(WARNED[name])
    assert find_warning(str(caught.value), HARMLESS | MISSING) == name
    if name in MISSING:
        with pytest.raises(PictureError):
            decode(WARNED[name])
        return
    whole = PROGRESSIVE if name == "BOGUS_PROGRESSION" else PLAIN
    np.testing.assert_array_equal(decode(WARNED[name]), decode(whole))


def test_no_warning_of_the_library_is_left_out():
    """What its binary has of texts like these is in the table."""
    binary = Path(simplejpeg.__file__).parent.glob("_jpeg*.so")
    texts = re.findall(
        rb"Corrupt JPEG data: [^\0]+|Premature end of JPEG[^\0]*", next(binary).read_bytes()
    )
    assert len(set(texts)) >= 6
    assert {text.decode() for text in texts} <= set((HARMLESS | MISSING).values())


HARMLESS_FLAWS = {
    "zero scan": files.write_zero_scan,
    "stray bytes at the end": files.stray_at_end,
    "stray bytes like segments at the end": lambda j: files.stray_at_end(
        j, b"\xff\xe1\xff\xff" * 9
    ),
    "stray byte in the header": files.stray_in_header,
    "stray bytes like a marker in the header": lambda j: files.stray_in_header(j, b"\xff\x5a"),
    "lost profile part": files.lose_profile_part,
    "JFIF 2": files.write_jfif_2,
    "broken EXIF": files.break_exif,
    "repeated marker byte": files.repeat_marker_byte,
    "metadata": files.add_metadata,
    "video": files.add_video,
}
RESTART_FLAWS = {
    "stray bytes before a restart": files.stray_at_restart,
    "many of them": lambda j: files.stray_at_restart(j, 1, b"\x77" * 700),
}
MISSING_FLAWS = {
    "end, but its marker": files.cut_end,
    "end": lambda j: j[: j.rindex(b"\xff\xd9") - 300],
}
RESTART_MISSING = {
    "data before a restart": files.cut_before_restart,
    "a restart": files.lose_restart,
}


def apply(content: bytes, flaws: dict, names: list[str]) -> bytes:
    """Apply flaws; those that look for the end of the coded data first."""
    order = list(MISSING_FLAWS | RESTART_MISSING | RESTART_FLAWS | HARMLESS_FLAWS)
    for name in sorted(names, key=order.index):
        content = flaws[name](content)
    return content


@settings(max_examples=150 * SOAK, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_flaws_that_cost_no_pixel_change_none(kind, data):
    COUNTS["odd JPEGs"] += 1
    flaws = HARMLESS_FLAWS | (RESTART_FLAWS if "restarts" in kind else {})
    if "progressive" in kind:
        flaws = {name: flaw for name, flaw in flaws.items() if name != "zero scan"}
    names = data.draw(st.lists(st.sampled_from(sorted(flaws)), max_size=3, unique=True))
    content = apply(KINDS[kind], flaws, names)
    np.testing.assert_array_equal(decode(content), decode(KINDS[kind]))
    np.testing.assert_array_equal(decode(content, 4), decode(KINDS[kind], 4))
    np.testing.assert_array_equal(read_rgb(content), read_rgb(KINDS[kind]))


@settings(max_examples=150 * SOAK, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_no_flaw_hides_that_data_are_missing(kind, data):
    """libjpeg tells of its first warning alone."""
    COUNTS["JPEGs with parts missing"] += 1
    restarts = "restarts" in kind
    missing = MISSING_FLAWS | (RESTART_MISSING if restarts else {})
    odd = HARMLESS_FLAWS | (RESTART_FLAWS if restarts else {})
    if "progressive" in kind:
        odd = {name: flaw for name, flaw in odd.items() if name != "zero scan"}
    lost = data.draw(st.sampled_from(sorted(missing)))
    names = data.draw(st.lists(st.sampled_from(sorted(odd)), max_size=3, unique=True))
    # Bytes after a cut can't be told from what was there.
    names = [name for name in names if "at the end" not in name and name != "video"]
    with pytest.raises(PictureError):
        decode(apply(KINDS[kind], missing | odd, [lost, *names]))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "restarts" in kind])
@pytest.mark.parametrize("lost", RESTART_MISSING)
def test_stray_bytes_before_a_restart_hide_no_loss_after_it(kind, lost):
    odd = files.stray_at_restart(KINDS[kind])
    np.testing.assert_array_equal(decode(odd), decode(KINDS[kind]))
    with pytest.raises(PictureError, match="only part of one"):
        decode(files.stray_at_restart(RESTART_MISSING[lost](KINDS[kind])))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "progressive" in kind])
def test_a_progressive_jpeg_needs_all_its_scans(kind):
    head, *scans = files.split_scans(KINDS[kind])
    assert len(scans) >= 6
    np.testing.assert_array_equal(
        decode(b"".join([head, *scans, b"\xff\xd9"])), decode(KINDS[kind])
    )
    for i in range(len(scans)):
        with pytest.raises(PictureError, match="a scan is missing"):
            decode(b"".join([head, *scans[:i], *scans[i + 1 :], b"\xff\xd9"]))
        with pytest.raises(PictureError, match="only part of one"):
            decode(b"".join([head, *scans[:i], b"\xff\xd9"]))


@pytest.mark.parametrize("inks", [False, True])
def test_a_sampling_that_the_fast_decoder_lacks_is_read(inks):
    """Chrominance of half the height and of half the width: Pillow reads it."""
    content = files.make_black(60, 44, [(2, 2), (2, 1), (1, 2), *([(1, 1)] if inks else [])])
    with pytest.raises(ValueError, match="subsampling"):
        simplejpeg.decode_jpeg(content)
    decoder = JpegDecoder(content)
    assert decoder.decode("RGB").shape == (44, 60, 3)
    assert decoder.decode("GRAY").shape == (44, 60, 1)
    assert decoder.decode("RGB", 4).shape == (11, 15, 3)
    for broken in (content[:-2], content[:-25] + b"\xff\xd9"):
        with pytest.raises(PictureError):
            JpegDecoder(broken).decode("RGB")


def test_a_plain_jpeg_is_decoded_once(monkeypatch):
    calls = []
    plain = simplejpeg.decode_jpeg

    def count(*arguments, **options):
        calls.append(options)
        return plain(*arguments, **options)

    monkeypatch.setattr(simplejpeg, "decode_jpeg", count)
    for kind in ("plain", "progressive", "inks"):
        decode(KINDS[kind])
    assert len(calls) == 3


def test_what_is_odd_costs_a_bounded_time():
    """16 MB of restart markers, of segments, of stray bytes: refused or decoded, quickly."""
    small = files.find_segment(ROWS, 0xDA)[0]
    end = files.find_segment(ROWS, 0)[1]
    hostile = {
        "restarts": files.insert(ROWS, end, b"\x12\xff\xd0" * 5_000_000),
        "segments": files.insert(PLAIN, 2, b"\xff\xe1\0\2" * 4_000_000),
        "restarts outside": files.insert(PLAIN, 2, b"\xff\xd0" * 8_000_000),
        "scans": files.insert(PROGRESSIVE, end, PROGRESSIVE[small : small + 20] * 300_000),
        "stuffed bytes": files.insert(PLAIN, small, b"\xff\0" * 8_000_000),
        "fill bytes": files.insert(PLAIN, 2, b"\xff" * 16_000_000),
        "EXIF": files.insert(PLAIN, 2, files.segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 240),
    }
    for name, content in hostile.items():
        begun = time.process_time()
        with contextlib.suppress(PictureError):
            decode(content)
        assert time.process_time() - begun < 1.5, name
