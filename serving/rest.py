"""V2 over REST: routes that read a request, call the model and write the answer."""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import (
    Cancelled,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NotFound,
    ServingError,
    describe_error,
)
from serving.logs import log_request
from serving.model import VERSION, Model
from serving.rest_body import read_body
from serving.rest_codec import BINARY_HEADER, decode_picture, decode_request, encode_response

EXTENSIONS = ["binary_tensor_data"]
T = TypeVar("T")


def create_app(models: Sequence[Model], release: str) -> Starlette:
    """Build the ASGI application that serves the models under /v2."""
    handlers = RestHandlers({model.name: model for model in models}, release)
    routes = [
        Route("/v2", handlers.show_server),
        Route("/v2/health/live", handlers.show_live),
        Route("/v2/health/ready", handlers.show_ready),
        Route("/metrics", show_metrics),
    ]
    for prefix in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        routes += [
            Route(prefix, handlers.show_model),
            Route(f"{prefix}/ready", handlers.show_model_ready),
            Route(f"{prefix}/infer", handlers.infer, methods=["POST"]),
        ]
    return Starlette(
        routes=routes,
        exception_handlers={ServingError: show_error, HTTPException: show_http_error},
    )


class RestHandlers:
    """One method a route."""

    def __init__(self, models: Mapping[str, Model], release: str):
        self.models = models
        self.release = release

    def find_model(self, request: Request) -> Model:
        name, version = request.path_params["model"], request.path_params.get("version", VERSION)
        model = self.models.get(name)
        if model is None or version != VERSION:
            known = ", ".join(f"{name} (version {VERSION})" for name in self.models)
            raise ModelNotFound(f"There is no model '{name}' version {version} here, but {known}.")
        return model

    async def show_server(self, request: Request) -> Response:
        content = {"name": "landmarks", "version": self.release, "extensions": EXTENSIONS}
        return JSONResponse(content)

    async def show_live(self, request: Request) -> Response:
        return JSONResponse({"live": True})

    async def show_ready(self, request: Request) -> Response:
        ready = all([await model.check_ready() for model in self.models.values()])
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    async def show_model(self, request: Request) -> Response:
        return JSONResponse(self.find_model(request).describe())

    async def show_model_ready(self, request: Request) -> Response:
        model = self.find_model(request)
        ready = await model.check_ready()
        return JSONResponse({"name": model.name, "ready": ready}, 200 if ready else 503)

    async def infer(self, request: Request) -> Response:
        begun = time.perf_counter()
        status, code = 500, "internal"
        try:
            model = self.find_model(request)
            body = await read_body(request, model.settings)
            if request.headers.get("content-type", "").startswith("image/"):
                asked = decode_picture(body, model.name)
            else:
                asked = decode_request(body, model.name, request.headers.get(BINARY_HEADER))
            asked.headers = request.headers
            asked.id = asked.id or request.headers.get("x-request-id", "")
            asked.deadline = read_deadline(request)
            answer = await watch_caller(request, model.answer(asked))
            content, headers = encode_response(asked, answer)
            headers["server-timing"] = write_timings(answer.timings)
            status, code = 200, "ok"
            return Response(content, headers=headers | echo_id(request))
        except ServingError as error:
            status, code = error.http_status, error.code
            raise
        except ClientDisconnect:
            status, code = Cancelled.http_status, Cancelled.code
            raise Cancelled("The caller left before the body was read.") from None
        finally:
            log_request("rest", request.url.path, status, code, begun, request.headers)


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
        seconds = -1.0
    if not 0 < seconds < 1e6:
        raise InvalidRequest("X-Request-Timeout needs a number of seconds above 0.")
    return time.monotonic() + seconds


def write_timings(timings: Mapping[str, float]) -> str:
    """Write stages as a Server-Timing header, in milliseconds."""
    return ", ".join(f"{stage};dur={1000 * seconds:.2f}" for stage, seconds in timings.items())


def echo_id(request: Request) -> dict[str, str]:
    """Send the caller's request id back, if there is one."""
    request_id = request.headers.get("x-request-id")
    return {"x-request-id": request_id} if request_id else {}


async def show_metrics(request: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def show_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServingError)
    headers = echo_id(request)
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    return JSONResponse(describe_error(error), error.http_status, headers)


async def show_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    wrong_method = error.status_code == 405
    found = MethodNotAllowed if wrong_method else NotFound
    response = await show_error(request, found(f"{request.method} {request.url.path}: no such."))
    response.headers.update(error.headers or {})
    return response
