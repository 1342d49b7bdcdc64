"""Let a client finish sending when its answer comes before the end of the body."""

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class EarlyAnswers:
    """Reads what is left of a body after the answer, for a bounded time, before it ends.

    A server that closes a connection on which data still arrives resets it, and the client or
    the proxy in between loses the answer. Whoever closes in the meantime has read it.
    """

    def __init__(self, app: ASGIApp, seconds: float):
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not has_body(scope):
            await self.app(scope, receive, send)
            return
        arriving = True

        async def read() -> Message:
            nonlocal arriving
            message = await receive()
            arriving = message.get("more_body", False)
            return message

        async def write(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body")
            if ends and arriving:
                await send({**message, "more_body": True})
                # A server that is being stopped cancels; the answer is written by then.
                with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                    async with asyncio.timeout(self.seconds):
                        while arriving:
                            await read()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self.app(scope, read, write)


def has_body(scope: Scope) -> bool:
    """Check whether the head of a request announces a body."""
    return scope["type"] == "http" and any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
