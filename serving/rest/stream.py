"""V2 inference over a WebSocket: each message is a request, answered before the next is read.

A text message is a V2 request in JSON. A binary one has the length of its JSON in 4 bytes, little
endian, the JSON, and the binary tensors that it announces. Nothing is kept between messages.
"""

import asyncio
import contextlib
from contextlib import ExitStack
from urllib.parse import urlsplit

import orjson
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from serving.admission import Ticket
from serving.errors import Forbidden, RequestTimeout, describe_error, to_answer
from serving.messages import Call
from serving.repository import Repository
from serving.rest.codec import BINARY_HEADER, FRAME_PREFIX, decode_body, encode_answer
from serving.rest.errors import show_error
from serving.settings import ServerSettings, split_origins
from serving.telemetry.record import RequestLog, forwarded_headers

STREAM = ("/v2/models/{model}/stream", "/v2/models/{model}/versions/{version}/stream")
LATE = 1001  # code with which a WebSocket is closed: going away


class StreamRoute:
    """The streaming route, calling the same model function as that of inference."""

    def __init__(self, repository: Repository):
        self.repository = repository

    async def answer_all(self, socket: WebSocket) -> None:
        """Answer the messages of a connection until it ends, or a bound of time ends it."""
        seconds, place = self.repository.settings.body_seconds, socket.scope["state"]["place"]
        try:
            if place is None:
                raise socket.scope["state"]["refused"]
            check_origin(socket, self.repository.settings)
            self.repository.find(*name_model(socket))
        except Exception as raised:
            await socket.send_denial_response(await show_error(socket, raised))
            return
        with contextlib.suppress(WebSocketDisconnect):
            await socket.accept()
            while (message := await self.receive(socket, seconds)) is not None:
                content = message.get("bytes")
                body = content if content is not None else message["text"].encode()
                with ExitStack() as held:
                    answer = await self.answer(socket, body, content is not None, held, place)
                    del message, content, body
                    await socket.send({"type": "websocket.send", **answer})
                if self.repository.draining:  # its caller opens another, elsewhere
                    await socket.close(LATE, "The server stops.")
                    return

    async def receive(self, socket: WebSocket, seconds: float) -> Message | None:
        """Receive a message, None where the caller has left or sent none in time."""
        try:
            async with asyncio.timeout(seconds):
                message = await socket.receive()
            return message if message["type"] == "websocket.receive" else None
        except TimeoutError:
            error = RequestTimeout(f"No message came within {seconds:g} seconds.")
            await socket.send_bytes(orjson.dumps(describe_error(error)))
            await socket.close(LATE, error.message)
            return None

    async def answer(
        self, socket: WebSocket, body: bytes, binary: bool, held: ExitStack, place: Ticket
    ) -> dict[str, str | bytes]:
        """Answer one message, its place in flight held; what is wrong with it is an answer, too."""
        service, path, asked = self.repository.service, socket.url.path, None
        record = RequestLog(service, "rest", STREAM[0], path, socket.headers)
        try:
            with record:
                size = place.bytes  # of this message alone: the next one is not read yet
                place.give_back(size)
                ticket = held.enter_context(self.repository.admission.enter())
                ticket.add(len(body))
                model = self.repository.find(*name_model(socket))
                record.model = model.name
                length, limit = None, model.settings.max_body_bytes
                if binary:
                    length = str(int.from_bytes(body[:FRAME_PREFIX], "little"))
                    body = body[FRAME_PREFIX:]
                asked = await decode_body(body, model.name, length, limit)
                forward = forwarded_headers(socket.headers, record.request_id)
                answer = await model.infer(asked, Call(forward=forward, claim=ticket.add))
                if answer.landmarks:
                    answer.parameters["landmarks_set"] = answer.landmarks
                pieces, told = await encode_answer(answer, asked.binary_outputs, ticket.add)
                packed = b"".join(pieces)
                if (json_length := told.get(BINARY_HEADER)) is None:
                    return {"text": packed.decode()}
                return {"bytes": int(json_length).to_bytes(FRAME_PREFIX, "little") + packed}
        except Exception as raised:
            error = to_answer(raised)
            content = describe_error(error) | {"id": asked.id if asked else ""}
            if error.retry_after is not None:
                content["retry_after"] = str(error.retry_after)
            return {"text": orjson.dumps(content).decode()}


def name_model(socket: WebSocket) -> tuple[str, str]:
    return socket.path_params["model"], socket.path_params.get("version", "")


def check_origin(socket: WebSocket, settings: ServerSettings) -> None:
    """Raise Forbidden for a web page of another origin: to a WebSocket browsers apply no CORS."""
    origin, allowed = socket.headers.get("origin"), split_origins(settings.cors_origins)
    own = origin is None or urlsplit(origin).netloc == socket.headers.get("host")
    if not own and origin not in allowed and "*" not in allowed:
        raise Forbidden("Web pages of other origins may not ask; LANDMARKS_CORS_ORIGINS lets them.")
