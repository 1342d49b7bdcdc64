"""The error catalogue: one class a situation, the same for REST and gRPC."""

import asyncio
import math
import random

from grpc import StatusCode

MAX_WAIT = 30  # seconds that a caller is told to stay away
MAX_MESSAGE = 500  # characters; gRPC clients take 8 KiB of metadata, and the message is in it


class ServingError(Exception):
    """A request that gets no answer; `message` is one sentence that the caller may read."""

    code = "internal"
    http_status = 500
    grpc_status = StatusCode.INTERNAL
    retry_after: int | None = None  # seconds, where trying again makes sense

    def __init__(self, message: str = "The server failed; its log has the cause."):
        if len(message) > MAX_MESSAGE:  # it quotes a caller's long name
            message = f"{message[: MAX_MESSAGE // 2 - 3]} ... {message[3 - MAX_MESSAGE // 2 :]}"
        super().__init__(message)
        self.message = message


class InvalidRequest(ServingError):
    """The request does not follow the V2 protocol, or names what is not there."""

    code, http_status, grpc_status = "invalid_request", 400, StatusCode.INVALID_ARGUMENT


class InvalidTensor(ServingError):
    """A tensor's name, datatype, shape or values are not what the model takes."""

    code, http_status, grpc_status = "invalid_tensor", 400, StatusCode.INVALID_ARGUMENT


class InvalidImage(ServingError):
    """The bytes are no picture in an accepted format, or only part of one."""

    code, http_status, grpc_status = "invalid_image", 400, StatusCode.INVALID_ARGUMENT


class UnknownOutput(ServingError):
    """The request asks for an output that this model does not have."""

    code, http_status, grpc_status = "unknown_output", 400, StatusCode.INVALID_ARGUMENT


class Forbidden(ServingError):
    """The caller may not list, load or unload models."""

    code, http_status, grpc_status = "forbidden", 403, StatusCode.PERMISSION_DENIED


class NotFound(ServingError):
    """Nothing is served at this address."""

    code, http_status, grpc_status = "not_found", 404, StatusCode.NOT_FOUND


class ModelNotFound(ServingError):
    """No model of this name or version is served here."""

    code, http_status, grpc_status = "model_not_found", 404, StatusCode.NOT_FOUND


class MethodNotAllowed(ServingError):
    """The address takes another HTTP method."""

    code, http_status, grpc_status = "method_not_allowed", 405, StatusCode.UNIMPLEMENTED


class NotAcceptable(ServingError):
    """The caller accepts only a drawn picture, and there is none of this request."""

    code, http_status, grpc_status = "not_acceptable", 406, StatusCode.INVALID_ARGUMENT


class RequestTimeout(ServingError):
    """The body did not arrive in time."""

    code, http_status, grpc_status = "request_timeout", 408, StatusCode.DEADLINE_EXCEEDED


class TooLarge(ServingError):
    """Bytes, pixels or faces are above a limit."""

    code, http_status, grpc_status = "too_large", 413, StatusCode.INVALID_ARGUMENT


class HeadTooLarge(ServingError):
    """The request's head, or the metadata of a gRPC call, is above a limit."""

    code, http_status, grpc_status = "head_too_large", 431, StatusCode.INVALID_ARGUMENT


class UnsupportedMediaType(ServingError):
    """The body's content type or encoding is not one that is read here."""

    code, http_status = "unsupported_media_type", 415
    grpc_status = StatusCode.INVALID_ARGUMENT


class Overloaded(ServingError):
    """More requests are in flight than the server takes; nothing was computed."""

    code, http_status, grpc_status = "overloaded", 429, StatusCode.RESOURCE_EXHAUSTED
    retry_after = 1

    def __init__(self, message: str = "The server is busy.", wait: float = 0.0):
        super().__init__(message)
        # Not the same for all, or they would all come back together.
        self.retry_after = min(MAX_WAIT, max(1, math.ceil(wait * random.uniform(1, 2))))


class Cancelled(ServingError):
    """The caller left before the answer."""

    code, http_status, grpc_status = "cancelled", 499, StatusCode.CANCELLED


class NotReady(ServingError):
    """The model is loading, draining or failed its warm-up."""

    code, http_status, grpc_status = "not_ready", 503, StatusCode.UNAVAILABLE
    retry_after = 1


class OutOfMemory(ServingError):
    """The server has no memory left for the request; it may have later."""

    code, http_status, grpc_status = "out_of_memory", 503, StatusCode.RESOURCE_EXHAUSTED
    retry_after = 1

    def __init__(self, message: str = "The server is out of memory; try again, or send less."):
        super().__init__(message)


class PredictorUnavailable(ServingError):
    """The transformer cannot reach a predictor."""

    code, http_status = "predictor_unavailable", 503
    grpc_status = StatusCode.UNAVAILABLE
    retry_after = 1


class DeadlineExceeded(ServingError):
    """The answer could not be had within the request's time."""

    code, http_status, grpc_status = "deadline_exceeded", 504, StatusCode.DEADLINE_EXCEEDED


ERROR_CLASSES: list[type[ServingError]] = [ServingError, *ServingError.__subclasses__()]
CATALOGUE = {kind.code: kind for kind in ERROR_CLASSES}


def name_code(error: BaseException | None) -> str:
    """Name how a request ended: "ok" or a code of the catalogue."""
    if error is None:
        return "ok"
    if isinstance(error, asyncio.CancelledError):
        return Cancelled.code
    return to_answer(error).code


def write_message(error: BaseException | None) -> str:
    """Return the sentence that the caller may read; what else went wrong is for the log alone."""
    return error.message if isinstance(error, ServingError) else ""


def http_status(code: str) -> int:
    """Return the HTTP status that belongs to a code, for what describes either transport."""
    return 200 if code == "ok" else CATALOGUE[code].http_status


def grpc_status_of(code: str) -> StatusCode:
    """Return the gRPC status that belongs to a code."""
    return StatusCode.OK if code == "ok" else CATALOGUE[code].grpc_status


def to_answer(error: BaseException) -> ServingError:
    """Make what the caller is told of an error: what was not foreseen stays in the log."""
    if isinstance(error, MemoryError):
        return OutOfMemory()
    return error if isinstance(error, ServingError) else ServingError()


def describe_error(error: ServingError) -> dict[str, str]:
    """Write the error as the body that REST callers get: V2's own text, and our code beside it."""
    return {"error": error.message, "code": error.code}


def rebuild_error(code: str | None, message: str) -> ServingError:
    """Make the error that another service of ours sent, from its code and message."""
    return CATALOGUE.get(code or "", ServingError)(message)
