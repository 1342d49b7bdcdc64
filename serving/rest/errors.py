"""Errors as REST responses: the catalogue's status, sentence and code."""

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from serving.contract import ID_HEADER
from serving.errors import MethodNotAllowed, NotFound, ServingError, describe_error, to_answer
from serving.telemetry.record import ensure_request_id


def write_error(request: HTTPConnection, raised: Exception, request_id: str) -> Response:
    """Write an error as the answer, in the words of the catalogue."""
    error = to_answer(raised)
    headers = {ID_HEADER: request_id}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    if "expect" in request.headers:
        # Whether the body, which the caller may hold back, still comes can't be known.
        headers["connection"] = "close"
    return JSONResponse(describe_error(error), error.http_status, headers)


async def show_error(request: HTTPConnection, error: Exception) -> Response:
    return write_error(request, error, ensure_request_id(request.headers.get(ID_HEADER)))


async def show_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    refused: ServingError = NotFound(f"There is no route {path}.")
    if error.status_code == 405:
        refused = MethodNotAllowed(f"{path} does not allow {request.method}.")
    elif path.startswith("/v1/"):
        refused = NotFound("There is no V1 protocol here; POST to /v2/models/NAME/infer instead.")
    response = await show_error(request, refused)
    response.headers.update(error.headers or {})
    return response
