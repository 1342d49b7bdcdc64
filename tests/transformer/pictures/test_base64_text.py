"""Base64 as callers write it is taken, and what is none is refused with what is taken."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import InvalidImage
from transformer.pictures.base64_text import Base64Text

FORMS = {
    "plain": base64.b64encode,
    "lines of 76": base64.encodebytes,
    "indented": lambda c: b"  " + base64.encodebytes(c).replace(b"\n", b"\r\n\t"),
    "of file names": base64.urlsafe_b64encode,
    "unpadded": lambda c: base64.urlsafe_b64encode(c).rstrip(b"="),
    "data URL": lambda c: b"data:image/jpeg;base64," + base64.b64encode(c),
    "data URL with parameters": lambda c: b"DATA:image/png;a=b;BASE64," + base64.b64encode(c),
    "data URL in lines": lambda c: b"data:;base64,\n" + base64.encodebytes(c),
}


@pytest.mark.parametrize("form", FORMS)
@given(st.binary(max_size=100))
def test_any_form_is_taken(form, content):
    assert Base64Text(FORMS[form](content)).decode() == content


@pytest.mark.parametrize(
    "text",
    [
        b"a",
        b"abcde",
        b"ab=c",
        b"abc=abcd",
        b"ab!d",
        "abc\u00e4".encode(),
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


def test_long_text_takes_a_bounded_time():
    for text in (b"\n" * 2**24, b"data:;base64," + b"/" * 2**24, b"=" * 2**24, b"-" * 2**24):
        begun = time.process_time()
        Base64Text(text).decode()
        assert time.process_time() - begun < 5, text[:20]
