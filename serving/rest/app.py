"""V2 inference over REST: read a request, call the model, write the answer."""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from serving.contract import ID_HEADER, SET_HEADER
from serving.errors import Cancelled, InvalidRequest, NotAcceptable, ServingError
from serving.messages import Call, InferenceRequest
from serving.repository import Repository
from serving.rest.body import compress_body, read_body
from serving.rest.codec import BINARY_HEADER, Piece, decode_body, decode_picture, encode_answer
from serving.rest.errors import show_error, show_http_error, write_error
from serving.rest.form import read_form
from serving.rest.manage import list_manage_routes
from serving.rest.pages import list_page_routes
from serving.rest.stream import STREAM, StreamRoute
from serving.settings import split_origins
from serving.telemetry.record import RequestLog, forwarded_headers
from serving.telemetry.stages import Stage, write_timings

T = TypeVar("T")
INFER = ("/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer")
DRAWN = ("image/png", "image/jpeg")
QUALITY = re.compile(r"(?P<type>[^;]+)(;q=(?P<q>[01](\.\d{0,3})?))?(;[^q].*)?")
PICTURE = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF|GIF8|BM|II\*\0|MM\0\*|....ftyp", re.DOTALL)


def create_app(repository: Repository, release: str) -> Starlette:
    """Build the ASGI application that serves the models under /v2."""
    infer = InferRoute(repository).infer
    # Each request tries the routes in turn, so the one that most of them take comes first.
    routes: list[BaseRoute] = [Route(path, infer, methods=["POST"]) for path in INFER]
    stream = StreamRoute(repository).answer_all
    routes += [WebSocketRoute(path, stream) for path in STREAM]
    routes += list_manage_routes(repository, release)
    for folder in {model.page for model in repository.list_models() if model.page}:
        routes += list_page_routes(folder)
    app = Starlette(
        routes=routes,
        middleware=allow_origins(repository.settings.cors_origins),
        exception_handlers={
            ServingError: show_error,
            HTTPException: show_http_error,
            Exception: show_error,  # which goes on to the server's log
        },
    )
    app.router.redirect_slashes = False  # it would send callers to the host that they named
    return app


def allow_origins(text: str) -> list[Middleware]:
    """Make the middleware that lets web pages of these origins ask."""
    origins = split_origins(text)
    if not origins:
        return []
    told = [ID_HEADER, "server-timing", "retry-after", SET_HEADER, BINARY_HEADER]
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=told,
        )
    ]


class InferRoute:
    """The inference route. It turns every error into a response.

    An exception that reached uvicorn would close the connection.
    """

    def __init__(self, repository: Repository):
        self.repository = repository

    async def infer(self, request: Request) -> Response:
        route = INFER[1 if "version" in request.path_params else 0]
        service, path = self.repository.service, request.url.path
        record = RequestLog(service, "rest", route, path, request.headers)
        try:
            with record:
                return await self.answer(request, record)
        except Exception as error:
            return write_error(request, error, record.request_id)

    async def answer(self, request: Request, record: RequestLog) -> Response:
        name = request.path_params["model"]
        version = request.path_params.get("version", "")
        model = self.repository.find(name, version)  # before a body is read in vain
        record.model = model.name
        drawing = choose_drawing(request.headers.get("accept", ""))
        if drawing and not model.draws:
            raise NotAcceptable(f"Model '{model.name}' draws no pictures; it answers with JSON.")
        with ExitStack() as place:
            ticket = place.enter_context(self.repository.admission.enter(upload=True))
            deadline = read_deadline(request)
            try:
                body = await read_body(request, model.settings, ticket)
            except ClientDisconnect:
                raise Cancelled("The caller left before the body was read.") from None
            ticket.end_upload()
            asked = await read_request(request, body, name, model.settings.max_body_bytes)
            asked.id = asked.id or request.headers.get(ID_HEADER, "")
            forward = forwarded_headers(request.headers, record.request_id)
            call = Call(deadline, forward, ticket.add, drawing)
            model = self.repository.find(name, version)  # it may have been reloaded since
            answer = await watch_caller(request, model.infer(asked, call))
            encoding: dict[str, str] = {}
            pieces: list[Piece]
            if drawing:
                pieces, headers = [answer.picture], {"content-type": drawing}
                ticket.add(len(answer.picture))
            else:
                pieces, headers = await encode_answer(answer, asked.binary_outputs, ticket.add)
                accepted = request.headers.get("accept-encoding")
                pieces, encoding = await compress_body(pieces, accepted)
            answer.timings[Stage.TOTAL] = record.stop()
            headers |= encoding
            headers["server-timing"] = write_timings(answer.timings)
            headers[ID_HEADER] = record.request_id
            if answer.landmarks:
                headers[SET_HEADER] = answer.landmarks
            return InferenceAnswer(pieces, headers, place.pop_all().close)


class InferenceAnswer(Response):
    """An answer in pieces that keeps its place in flight until the caller has read it."""

    def __init__(self, pieces: list[Piece], headers: dict[str, str], leave: Callable[[], None]):
        headers["content-length"] = str(sum(len(piece) for piece in pieces))
        super().__init__(headers=headers)
        self.pieces, self.leave = pieces, leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        try:
            await send(start)
            # The server takes the next piece when it is rid of most of the one before.
            for piece in self.pieces:
                await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self.leave()


async def read_request(request: Request, body: bytes, name: str, limit: int) -> InferenceRequest:
    """Read a V2 body, or a picture, plain or in a form, with parameters in query and form."""
    media_type = request.headers.get("content-type", "").strip()
    query = request.query_params.multi_items()
    if media_type.lower().startswith("multipart/form-data"):
        body, fields = read_form(body, media_type)
        return decode_picture(body, name, join_parameters(query + fields))
    if media_type.lower().startswith("image/"):
        return decode_picture(body, name, join_parameters(query))
    if PICTURE.match(body):
        kind = "'Content-Type: image/jpeg', or image/png and the like"
        raise InvalidRequest(f"The body is a picture, not JSON; send it with {kind}.")
    if query:
        raise InvalidRequest(
            f"The query's '{query[0][0]}' goes with a picture as the body; JSON has 'parameters' "
            "and 'outputs' of its own."
        )
    return await decode_body(body, name, request.headers.get(BINARY_HEADER), limit)


def choose_drawing(accept: str) -> str:
    """Return the media type of a drawn picture where that is what is wanted most, else "".

    Of types wanted alike the first counts.
    """
    wanted = [QUALITY.fullmatch(entry) for entry in accept.lower().replace(" ", "").split(",")]
    ranked = [(float(found["q"] or 1), found["type"]) for found in wanted if found]
    best, kind = max(ranked, key=lambda pair: pair[0], default=(0.0, ""))
    return kind if best and kind in DRAWN else ""


def join_parameters(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Join the parameters of query and form; raises InvalidRequest where one is there twice."""
    joined = dict(pairs)
    if len(joined) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(f"The parameter '{twice}' is there twice.")
    return joined


async def watch_caller(request: Request, work: Awaitable[T]) -> T:
    """Wait for the work, and cancel it when the caller hangs up."""
    task, left = asyncio.current_task(), False
    assert task is not None

    async def watch() -> None:
        nonlocal left
        await request.receive()  # the body is read: only a hang-up can come
        left = True
        task.cancel()

    gone = asyncio.ensure_future(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if left and not task.uncancel():  # else the server ends, too
            raise Cancelled("The caller left before the answer.") from None
        raise
    finally:
        gone.cancel()


def read_deadline(request: Request) -> float:
    """Read the header X-Request-Timeout, in seconds, as a time of time.monotonic()."""
    text = request.headers.get("x-request-timeout")
    if text is None:
        return math.inf
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < 1e6:
        raise InvalidRequest("X-Request-Timeout needs a number of seconds above 0.")
    return time.monotonic() + seconds
