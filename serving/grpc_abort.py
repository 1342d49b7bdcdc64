"""End a gRPC call with an error, in the words of the catalogue."""

from typing import NoReturn

import grpc.aio

from serving.errors import to_answer

CODE_HEADER = "landmarks-error-code"  # trailing metadata: the catalogue's code


async def abort(
    context: grpc.aio.ServicerContext, raised: Exception, request_id: str = ""
) -> NoReturn:
    """End the call with the error's status, message and catalogue code."""
    error = to_answer(raised)
    metadata = [(CODE_HEADER, error.code)]
    if request_id:
        metadata.append(("x-request-id", request_id))
    if error.retry_after is not None:
        metadata.append(("retry-after", str(error.retry_after)))
    await context.abort(error.grpc_status, error.message, tuple(metadata))
    raise AssertionError("abort returns never")
