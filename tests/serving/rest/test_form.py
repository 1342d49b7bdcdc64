"""Forms: one file and its fields, as curl -F and browsers send them."""

import contextlib
import os
import time

import pytest

from serving.errors import InvalidRequest
from serving.rest.form import MAX_PARTS, read_form

FORM = 'multipart/form-data; boundary="Bound;ary"'
FILE = 'form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg'


def write_form(*parts: tuple[str, bytes]) -> bytes:
    lines = [
        b"--Bound;ary\r\nContent-Disposition: " + head.encode() + b"\r\n\r\n" + content + b"\r\n"
        for head, content in parts
    ]
    return b"".join(lines) + b"--Bound;ary--\r\n"


@pytest.mark.parametrize("content", [b"", b"\r\n--Bound;ar", b"\r" * 100_000, os.urandom(100_000)])
def test_a_file_and_its_fields(content):
    body = write_form(('form-data; name="model"', "é".encode()), (FILE, content))
    assert read_form(body, FORM) == (content, [("model", "é")])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        write_form(),
        write_form(('form-data; name="file"', b"x")),
        write_form((FILE, b"x"), (FILE, b"x")),
        write_form((FILE, b"x"))[:-20],
        write_form(*[('form-data; name="a"', b"x")] * (MAX_PARTS + 1)),
        write_form((f"{FILE}\r\n{'a: b' * 2000}", b"x")),
    ],
)
def test_what_is_not_a_form_of_one_file_is_refused(body):
    with pytest.raises(InvalidRequest):
        read_form(body, FORM)
    with pytest.raises(InvalidRequest):
        read_form(write_form((FILE, b"x")), "multipart/form-data")


@pytest.mark.parametrize("piece", [b"\r", b"\r\n", b"\r\n--Bound;ar", b"--Bound;ary\r\n\r\n\r\n"])
def test_a_form_takes_little_time(piece):
    begun = time.process_time()
    with contextlib.suppress(InvalidRequest):
        read_form(write_form((FILE, piece * (4 * 2**20 // len(piece)))), FORM)
    assert time.process_time() - begun < 5
