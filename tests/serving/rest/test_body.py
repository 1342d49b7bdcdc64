"""REST bodies: packed ones and forms, and which kind of answer is preferred."""

import contextlib
import gzip
import json
import os
import time
import tracemalloc
import zlib
from functools import partial

import pytest

from serving.errors import InvalidRequest, TooLarge
from serving.rest import body as rest_body
from serving.rest.app import choose_drawing
from serving.rest.form import MAX_PARTS, read_form
from tests.serving.conftest import make_body

INFER = "/v2/models/fake/infer"


def test_a_gzip_bomb_is_not_inflated_beyond_the_limit():
    limit = 2**20
    bomb = gzip.compress(bytes(100 * limit))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            rest_body.decompress(bomb, "gzip", limit)
        assert tracemalloc.get_traced_memory()[1] < 4 * limit
    finally:
        tracemalloc.stop()


RAW = partial(zlib.compress, wbits=-15)  # as some compress who mean deflate: without a header


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, RAW])
async def test_a_compressed_body_is_read(rest, pack):
    encoding = "gzip" if pack is gzip.compress else "deflate"
    body = pack(json.dumps(make_body()).encode())
    headers = {"content-encoding": encoding}
    assert (await rest.post(INFER, content=body, headers=headers)).is_success
    for broken in (body[:-5], body + b"x", b"x" + body, body + 64 * pack(b"")):  # of 65 members
        answer = await rest.post(INFER, content=broken, headers=headers)
        assert answer.status_code == 400, broken
    answer = await rest.post(INFER, content=body, headers={"content-encoding": "br"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "accepted, encoding",
    [("gzip", "gzip"), ("deflate", "deflate"), ("br, gzip;q=0.5", "gzip"), ("gzip;q=0", None)],
)
async def test_an_answer_is_compressed_only_when_asked(rest, accepted, encoding):
    body = make_body(outputs=[{"name": "big"}])
    answer = await rest.post(INFER, json=body, headers={"accept-encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding
    assert len(answer.json()["outputs"][0]["data"]) == 100_000


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
    assert len(read_form(write_form((FILE, b""), *[MORE] * (MAX_PARTS - 1)), FORM)[1]) > 9


NAMED, MORE = 'form-data; name="file"', ('form-data; name="a"', b"x")
FORMS = [b"", b"no form", write_form(), write_form((NAMED, b"x")), write_form((FILE, b"x"))[:-20]]
FORMS += [write_form((FILE, b"x"), *[MORE] * MAX_PARTS), write_form((FILE, b"x"), (FILE, b"x"))]
FORMS.append(write_form((f"{FILE}\r\n{'a: b' * 2000}", b"x")))


@pytest.mark.parametrize("body", FORMS)
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


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
BARELY = ["application/json, image/png", "image/png;q=0.5, application/json", "image/png;q=0"]
DRAWN = {
    "image/png": ["image/png", "IMAGE/PNG", "image/png, */*;q=0.1", ",;,/;q=, image/png"],
    "image/jpeg": ["image/jpeg", "image/png;q=0.5, image/jpeg ; q=0.8"],
    "": ["", "*/*", "application/json", BROWSER, "image/webp", "text/html", "image/*", *BARELY],
}
PACKED = {
    "gzip": ["gzip", "GZip ; Q=0.001", "deflate, gzip;q=0.5"],
    "deflate": ["deflate, gzip;q=0", "deflate, gzip;q = 0.000"],
    "": ["", "br", "identity, *;q=0", ";q=1,,"],
}


@pytest.mark.parametrize("chosen", DRAWN)
def test_a_picture_is_drawn_where_it_is_wanted_most(chosen):
    for accept in DRAWN[chosen]:
        assert choose_drawing(accept) == chosen, accept


@pytest.mark.parametrize("chosen", PACKED)
def test_an_encoding_is_chosen_that_is_accepted(chosen):
    for accepted in PACKED[chosen]:
        assert rest_body.choose_encoding(accepted) == chosen, accepted
