"""REST bodies that are long, slow, packed or given up: read, or refused within limits."""

import asyncio
import gzip
import json
import tracemalloc
import zlib

import pytest
from starlette.types import Message, Receive

from serving.errors import TooLarge
from serving.repository import Repository
from serving.rest import body as rest_body
from serving.rest import codec as rest_codec
from serving.rest.app import create_app
from serving.settings import ServerSettings
from tests.serving.fakes import FakeModel, make_body

INFER = "/v2/models/fake/infer"
CHUNK = 64 * 2**10


async def ask(model: FakeModel, receive: Receive, *headers: tuple[str, str]) -> tuple[int, str]:
    """Ask with a body that comes as `receive` gives it; the status and the answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": INFER,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    app = create_app(Repository([model], model.settings), "0")
    async with asyncio.timeout(60):
        await app(scope, receive, send)
    return sent[0]["status"], b"".join(part.get("body", b"") for part in sent[1:]).decode()


def make_chunk(body: bytes, more: bool = False) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_length_above_the_limit_is_refused_unread(model):
    async def receive() -> dict:
        raise AssertionError("it read on")

    length = str(model.settings.max_body_bytes + 1)
    status, answer = await ask(model, receive, ("content-length", length))
    assert status == 413 and "too_large" in answer


async def test_a_body_of_no_told_length_is_read_up_to_the_limit():
    model = FakeModel(settings=ServerSettings(max_body_bytes=10 * CHUNK))
    received = 0

    async def receive() -> dict:
        nonlocal received
        received += 1
        return make_chunk(bytes(CHUNK), more=True)

    status, answer = await ask(model, receive)
    assert status == 413 and "too_large" in answer and received == 11


async def test_a_body_that_drips_is_refused_in_time():
    model = FakeModel(settings=ServerSettings(body_seconds=0.1))

    async def receive() -> dict:
        await asyncio.sleep(0.02)
        return make_chunk(b" ", more=True)

    status, answer = await ask(model, receive)
    assert status == 408 and "request_timeout" in answer


async def test_who_hangs_up_is_not_worked_for(model):
    body = json.dumps(make_body(parameters={"do": "wait"})).encode()
    messages = [{"type": "http.disconnect"}, make_chunk(body)]

    async def receive() -> dict:
        await asyncio.sleep(0.02)
        return messages.pop()

    status, answer = await ask(model, receive)
    await asyncio.sleep(0)
    assert status == 499 and "cancelled" in answer and model.left


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
    answer = await rest.post(INFER, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
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
