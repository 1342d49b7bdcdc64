"""An answer before its body: it goes out at once, and the connection lives on until it is read."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from serving.rest.early import EarlyAnswers

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
