"""V2 inference over REST: read a request, call the model, write the answer."""

import asyncio
import math
import time
from collections.abc import Awaitable
from typing import TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.contract import SET_HEADER
from serving.errors import (
    Cancelled,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    ServingError,
    describe_error,
)
from serving.messages import InferenceRequest
from serving.record import Record, choose_id, write_timings
from serving.repository import Repository
from serving.rest_body import compress_body, read_body
from serving.rest_codec import BINARY_HEADER, decode_body, decode_picture, encode_answer
from serving.rest_manage import ManageRoutes

T = TypeVar("T")
INFER = ("/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer")
TRITON_AGENT = "gevent"  # tritonclient.http, which fails to print an error that is no text


def create_app(repository: Repository, release: str) -> Starlette:
    """Build the ASGI application that serves the models under /v2."""
    infer = InferRoute(repository).infer
    routes = ManageRoutes(repository, release).list_routes()
    routes += [Route(path, infer, methods=["POST"]) for path in INFER]
    return Starlette(
        routes=routes,
        exception_handlers={ServingError: show_error, HTTPException: show_http_error},
    )


class InferRoute:
    """The route that answers; its errors never leave it, so none closes the connection."""

    def __init__(self, repository: Repository):
        self.repository = repository

    async def infer(self, request: Request) -> Response:
        route = INFER[1 if "version" in request.path_params else 0]
        service, path = self.repository.service, request.url.path
        record = Record(service, "rest", route, path, request.headers)
        try:
            with record:
                return await self.answer(request, record)
        except ServingError as error:
            return write_error(request, error, record.request_id)

    async def answer(self, request: Request, record: Record) -> Response:
        name = request.path_params["model"]
        version = request.path_params.get("version", "")
        model = self.repository.find(name, version)  # before a body is read in vain
        record.model = model.name
        with self.repository.admission.enter() as ticket:
            deadline = read_deadline(request)
            try:
                body = await read_body(request, model.settings, ticket)
            except ClientDisconnect:
                raise Cancelled("The caller left before the body was read.") from None
            asked = await read_request(request, body, name)
            asked.id = asked.id or request.headers.get("x-request-id", "")
            asked.headers = request.headers.mutablecopy()
            asked.headers["x-request-id"] = record.request_id
            asked.deadline = deadline
            model = self.repository.find(name, version)  # it may have been loaded anew
            answer = await watch_caller(request, model.answer(asked))
            content, headers = await encode_answer(asked, answer)
            accepted = request.headers.get("accept-encoding")
            content, encoding = await compress_body(content, accepted)
        answer.timings["total"] = record.stop()
        headers |= encoding
        headers["server-timing"] = write_timings(answer.timings)
        headers["x-request-id"] = record.request_id
        if answer.landmarks:
            headers[SET_HEADER] = answer.landmarks
        return Response(content, headers=headers)


async def read_request(request: Request, body: bytes, name: str) -> InferenceRequest:
    """Read a V2 body, or a plain picture whose parameters are in the query."""
    if request.headers.get("content-type", "").startswith("image/"):
        return decode_picture(body, name, dict(request.query_params))
    return await decode_body(body, name, request.headers.get(BINARY_HEADER))


async def watch_caller(request: Request, work: Awaitable[T]) -> T:
    """Wait for the work, and cancel it when the caller hangs up."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())  # the body is read: only a hang-up can come
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Cancelled("The caller left before the answer.")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


def read_deadline(request: Request) -> float | None:
    """Read the header X-Request-Timeout, in seconds, as a time of time.monotonic()."""
    text = request.headers.get("x-request-timeout")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < 1e6:
        raise InvalidRequest("X-Request-Timeout needs a number of seconds above 0.")
    return time.monotonic() + seconds


def write_error(request: Request, error: ServingError, request_id: str) -> Response:
    """Write an error of the catalogue as the answer."""
    headers = {"x-request-id": request_id}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    if "expect" in request.headers:
        # Whether the body, which the caller may hold back, still comes can't be known.
        headers["connection"] = "close"
    content: dict = describe_error(error)
    if TRITON_AGENT in request.headers.get("user-agent", "").lower():
        content = {"error": f"{error.message} ({error.code})"}
    return JSONResponse(content, error.http_status, headers)


async def show_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServingError)
    return write_error(request, error, choose_id(request.headers.get("x-request-id")))


async def show_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    wrong_method = error.status_code == 405
    kind = MethodNotAllowed if wrong_method else NotFound
    what = "takes another method" if wrong_method else "leads nowhere"
    response = await show_error(request, kind(f"{request.url.path[:200]} {what}."))
    response.headers.update(error.headers or {})
    return response
