"""Errors of the catalogue over gRPC: a service ends a call with one, its caller reads it back."""

from typing import NoReturn

import grpc
import grpc.aio

from serving.contract import ID_HEADER
from serving.errors import (
    DeadlineExceeded,
    InvalidTensor,
    ModelNotFound,
    PredictorUnavailable,
    ServingError,
    TooLarge,
    rebuild_error,
    to_answer,
)

CODE_HEADER = "landmarks-error-code"  # trailing metadata: the catalogue's code
OTHERS: dict[grpc.StatusCode, type[ServingError]] = {  # of predictors that are not ours
    grpc.StatusCode.INVALID_ARGUMENT: InvalidTensor,
    grpc.StatusCode.NOT_FOUND: ModelNotFound,
    grpc.StatusCode.RESOURCE_EXHAUSTED: TooLarge,  # gRPC's own word for a long message
}


async def abort(
    context: grpc.aio.ServicerContext, raised: Exception, request_id: str = ""
) -> NoReturn:
    """End the call with the error's status, message and catalogue code."""
    error = to_answer(raised)
    metadata = [(CODE_HEADER, error.code)]
    if request_id:
        metadata.append((ID_HEADER, request_id))
    if error.retry_after is not None:
        metadata.append(("retry-after", str(error.retry_after)))
    await context.abort(error.grpc_status, error.message, tuple(metadata))
    raise AssertionError("abort returns never")


def translate_error(error: grpc.aio.AioRpcError) -> ServingError:
    """Return the predictor's error as it was raised there, or what its absence means."""
    details = error.details() or "The predictor gave no reason."
    metadata = dict(error.trailing_metadata() or ())
    if CODE_HEADER in metadata:
        found = rebuild_error(str(metadata[CODE_HEADER]), details)
        retry_after = str(metadata.get("retry-after", ""))
        if retry_after.isdecimal():
            found.retry_after = int(retry_after)
        return found
    status = error.code()
    if status == grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded("The predictor did not answer within the request's time.")
    if status in OTHERS:
        return OTHERS[status](details)
    return PredictorUnavailable(f"The predictor cannot be reached ({status.name}).")
