"""REST bodies: packed ones, forms, answers before their end, and which kind is preferred."""

import asyncio
import contextlib
import gzip
import json
import os
import time
import tracemalloc
import zlib
from collections.abc import MutableMapping
from typing import Any

import pytest

from serving.errors import InvalidRequest, TooLarge
from serving.rest import body as rest_body
from serving.rest import codec as rest_codec
from serving.rest.app import choose_drawing
from serving.rest.early import EarlyAnswers
from serving.rest.form import MAX_PARTS, read_form
from tests.serving.fakes import make_body

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


LONG = 2**17  # bytes


@pytest.mark.parametrize("what", ["JSON", "gzip", "numbers", "packing"])
async def test_long_work_is_done_beside_the_loop(rest, monkeypatch, what):
    works = []

    async def run(work, *items):
        works.append(work)
        return work(*items)

    monkeypatch.setattr(rest_body if what in ("gzip", "packing") else rest_codec, "run_aside", run)
    headers = {"accept-encoding": "gzip" if what == "packing" else "identity"}
    body, long = make_body(), make_body(outputs=[{"name": "big"}])
    content = json.dumps(long if what in ("numbers", "packing") else body).encode()
    if what == "JSON":
        content += b" " * LONG
    if what == "gzip":
        headers["content-encoding"] = "gzip"
        content = gzip.compress(content + b" " * LONG, 0)
    assert (await rest.post(INFER, content=content, headers=headers)).is_success
    assert works


def deflate_raw(body: bytes) -> bytes:
    """Compress as some do who mean deflate: without zlib's header."""
    return zlib.compress(body, wbits=-15)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, deflate_raw])
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


PIECE = {"type": "http.request", "body": b"x", "more_body": True}
END = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


async def refuse(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b"too large"})


async def read_first(scope, receive, send) -> None:
    while (await receive()).get("more_body"):
        pass
    await refuse(scope, receive, send)


async def ask(app, messages: list[dict], *headers: tuple[bytes, bytes], seconds=600.0) -> list[str]:
    """Ask with these messages, and silence after them; tell what happened in which order."""
    waiting, happened = list(messages), list[str]()

    async def receive() -> dict:
        message = waiting.pop(0) if waiting else await asyncio.Future()
        happened.append(message["type"])
        return message

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            happened.append(message["body"].decode() if message.get("more_body") else "end")

    scope = {"type": "http", "headers": headers}
    async with asyncio.timeout(60):
        await EarlyAnswers(app, seconds)(scope, receive, send)
    return happened


@pytest.mark.parametrize("last", [END, GONE])
async def test_the_rest_of_a_body_is_read_after_its_refusal(last):
    happened = await ask(refuse, [PIECE, PIECE, last], (b"content-length", b"9"))
    assert happened == ["too large", "http.request", "http.request", last["type"], "end"]


async def test_a_body_without_end_is_read_for_a_bounded_time():
    happened = await ask(refuse, [PIECE], (b"transfer-encoding", b"chunked"), seconds=0.05)
    assert happened == ["too large", "http.request", "end"]


async def test_where_nothing_is_left_nothing_is_read():
    assert await ask(refuse, [PIECE]) == ["end"]
    assert await ask(refuse, [PIECE], (b"content-length", b"0")) == ["end"]
    happened = await ask(read_first, [PIECE, END], (b"content-length", b"1"))
    assert happened == ["http.request", "http.request", "end"]


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
