"""Errors of a call to the predictor, as the catalogue has them."""

import grpc.aio

from serving.errors import (
    DeadlineExceeded,
    InvalidTensor,
    ModelNotFound,
    PredictorUnavailable,
    ServingError,
    TooLarge,
    rebuild_error,
)
from serving.grpc_abort import CODE_HEADER

OTHERS: dict[grpc.StatusCode, type[ServingError]] = {  # of predictors that are not ours
    grpc.StatusCode.INVALID_ARGUMENT: InvalidTensor,
    grpc.StatusCode.NOT_FOUND: ModelNotFound,
    grpc.StatusCode.RESOURCE_EXHAUSTED: TooLarge,  # gRPC's own word for a long message
}


def translate_error(error: grpc.aio.AioRpcError) -> ServingError:
    """Give the predictor's error as it was raised there, or what its absence means."""
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
        return OTHERS[status](details[:300])
    return PredictorUnavailable(f"The predictor cannot be reached ({status.name}).")
