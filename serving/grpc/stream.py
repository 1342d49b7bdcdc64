"""V2 inference over a stream of gRPC, Triton's ModelStreamInfer: each message is a request.

A stream has one message at a time: the next is read once the caller took the answer to the last,
so that whoever sends more waits for the connection. Nothing is kept between messages.
"""

from contextlib import ExitStack

import grpc.aio

from serving.contract import GRPC_STREAM
from serving.errors import to_answer
from serving.framework import pb
from serving.grpc import extension_pb2 as ext
from serving.grpc.codec import decode_message, encode_response
from serving.grpc.errors import CODE_HEADER, abort
from serving.grpc.reception import Reception, ask_model, check_metadata
from serving.repository import Repository
from serving.telemetry.record import RequestLog


class InferenceStream:
    """The streaming method, calling the same model function as ModelInfer."""

    def __init__(self, repository: Repository, reception: Reception):
        self.repository, self.reception = repository, reception

    async def infer(self, _, context: grpc.aio.ServicerContext) -> None:
        """Answer the messages of a stream until it ends, or a bound of time or size ends it."""
        headers = dict(context.invocation_metadata() or ())
        try:
            check_metadata(headers)
            while not self.repository.draining and isinstance(  # else its caller goes elsewhere
                message := await self.reception.read(context.read), bytes
            ):
                with ExitStack() as place:
                    # Who doesn't read it waits here for the end of the connection's age.
                    await context.write(await self.answer(message, headers, place))
        except Exception as error:
            await abort(context, error)

    async def answer(
        self, message: bytes, headers: dict[str, str], place: ExitStack
    ) -> ext.StreamResponse:
        """Answer one message, with its place in flight; what is wrong with it is an answer, too."""
        record = RequestLog(self.repository.service, "grpc", GRPC_STREAM, "/", headers)
        response = pb.ModelInferResponse()
        try:
            with record:
                ticket = place.enter_context(self.repository.admission.enter())
                ticket.add(len(message))
                asked = await decode_message(message)
                response.id, response.model_name = asked.id, asked.model
                answer = await ask_model(self.repository, asked, record, headers, ticket.add)
                if answer.landmarks:
                    answer.parameters["landmarks_set"] = answer.landmarks
                ticket.add(sum(array.nbytes for array in answer.outputs.values()))
                response = encode_response(answer)
                return ext.StreamResponse(infer_response=response.SerializeToString())
        except Exception as raised:
            error = to_answer(raised)
            response.parameters[CODE_HEADER].string_param = error.code
            if error.retry_after is not None:
                response.parameters["retry-after"].int64_param = error.retry_after
            return ext.StreamResponse(
                error_message=error.message, infer_response=response.SerializeToString()
            )
