"""Base64 as callers write it is taken, and what is none is refused with what is taken."""

import base64
import binascii
import time
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import InvalidImage
from transformer.base64_text import PIECE, Base64Text

FORMS = {
    "plain": base64.b64encode,
    "lines of 76": base64.encodebytes,
    "lines of 76 with CRLF": lambda c: base64.encodebytes(c).replace(b"\n", b"\r\n"),
    "indented": lambda c: b"  " + base64.encodebytes(c).replace(b"\n", b"\n\t"),
    "of file names": base64.urlsafe_b64encode,
    "unpadded": lambda c: base64.b64encode(c).rstrip(b"="),
    "of file names, unpadded": lambda c: base64.urlsafe_b64encode(c).rstrip(b"="),
    "data URL": lambda c: b"data:image/jpeg;base64," + base64.b64encode(c),
    "data URL with parameters": lambda c: b"DATA:image/png;a=b;BASE64," + base64.b64encode(c),
    "data URL without a type": lambda c: b"data:;base64," + base64.urlsafe_b64encode(c),
    "data URL in lines": lambda c: b"data:image/webp;base64,\n" + base64.encodebytes(c),
    "escaped data URL": lambda c: (
        b"data:image/jpeg;base64," + urllib.parse.quote(base64.b64encode(c), safe="").encode()
    ),
}


@pytest.mark.parametrize("form", FORMS)
@given(st.binary(max_size=100))
def test_any_form_is_taken(form, content):
    assert Base64Text(FORMS[form](content)).decode() == content


@pytest.mark.parametrize("form", FORMS)
def test_long_text_is_decoded_in_pieces(form):
    content = bytes(range(251)) * (2 * PIECE // 251)
    for size in (PIECE * 3 // 4 - 1, PIECE * 3 // 4, PIECE * 3 // 4 + 1, len(content)):
        assert Base64Text(FORMS[form](content[:size])).decode() == content[:size]


@pytest.mark.parametrize(
    "text",
    [
        b"a",
        b"abcde",
        b"ab=",
        b"ab=c",
        b"abcd=",
        b"=",
        b"====",
        b"abc=abcd",
        b"ab!d",
        "abc\u00e4".encode(),
        b"ab-+",
        b"-" * PIECE + b"+///",
        b"ab==" + b" " * PIECE + b"abcd",
        b"ab==" + b"abcd" * PIECE,
        b"data:image/png,abcd",
        b"data:image/png;base64",
        b"data:" + b"x" * 2000 + b";base64,abcd",
        b"data:image/png;base64,ab%41d",
        b"data:image/png;base64,data:image/png;base64,abcd",
        b"\xff\xd8\xff\xe0",
    ],
)
def test_anything_else_is_refused_with_what_is_taken(text):
    with pytest.raises(InvalidImage, match="base64 text, with line breaks or without, or a data"):
        Base64Text(text).decode()


def test_hostile_text_takes_a_bounded_time():
    for text in (b"\n" * 2**24, b"data:;base64," + b"%2B" * 5_000_000, b"=" * 2**24, b"-" * 2**24):
        begun = time.process_time()
        try:
            Base64Text(text).decode()
        except InvalidImage:
            continue
        finally:
            assert time.process_time() - begun < 1.5, text[:20]


def test_long_text_does_not_hold_up_other_threads():
    """Each call of the decoder holds the interpreter's lock."""
    text = base64.encodebytes(bytes(range(256)) * 46_000)  # 16 MB
    longest = max(len(piece) for piece in watch_pieces(text))
    assert longest <= 2**20 + 4


def watch_pieces(text: bytes) -> list[bytes]:
    pieces: list[bytes] = []
    plain = binascii.a2b_base64

    def watch(piece: bytes, **options: bool) -> bytes:
        pieces.append(piece)
        return plain(piece, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binascii, "a2b_base64", watch)
        Base64Text(text).decode()
    return pieces
