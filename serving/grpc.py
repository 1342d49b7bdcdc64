"""V2 inference over gRPC: read a request, call the model, write the answer."""

import time

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from serving.contract import GRPC_INFER, GRPC_SERVICE, SET_HEADER
from serving.errors import ModelNotFound, ServingError
from serving.grpc_abort import abort
from serving.grpc_codec import decode_request, encode_response
from serving.grpc_manage import ManageServicer, create_handlers
from serving.record import Record, write_timings
from serving.repository import Repository

HEAD_BYTES = 64 * 2**10  # what a message may have beside its tensors


def create_grpc_server(
    repository: Repository, release: str, port: int, max_bytes: int
) -> grpc.aio.Server:
    """Build the gRPC server of the V2 and the standard health service, on all interfaces."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", max_bytes + HEAD_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a port in use shall be an error, not shared
            # Callers behind a ClusterIP would stick to one pod for ever.
            ("grpc.max_connection_age_ms", 30_000),
            ("grpc.max_connection_age_grace_ms", 60_000),
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ]
    )
    servicer = InferenceServicer(repository, release)
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    # The later handler of a method wins: ours reads the messages of either dialect.
    server.add_registered_method_handlers(GRPC_SERVICE, create_handlers(repository))
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(repository), server)
    server.add_insecure_port(f"[::]:{port}")
    return server


class InferenceServicer(ManageServicer):
    """The V2 methods, each calling the same model function as its REST route."""

    async def ModelInfer(self, request, context):
        headers = dict(context.invocation_metadata() or ())
        address = f"/{request.model_name[:100]}"
        record = Record(self.repository.service, "grpc", GRPC_INFER, address, headers)
        headers["x-request-id"] = record.request_id
        try:
            with record:
                return await self.answer(request, context, record, headers)
        except ServingError as error:
            await abort(context, error, record.request_id)

    async def answer(self, request, context, record: Record, headers: dict[str, str]):
        model = self.repository.find(request.model_name, request.model_version)
        record.model = model.name
        with self.repository.admission.enter() as ticket:
            ticket.add(sum(map(len, request.raw_input_contents)))
            asked = decode_request(request)
            asked.headers = headers
            remaining = context.time_remaining()
            if remaining is not None:
                asked.deadline = time.monotonic() + remaining
            answer = await model.answer(asked)
        content = encode_response(asked, answer)
        answer.timings["total"] = record.stop()
        context.set_trailing_metadata(
            (
                ("server-timing", write_timings(answer.timings)),
                ("x-request-id", record.request_id),
                (SET_HEADER, answer.landmarks),
            )
        )
        return content


class HealthServicer(health_pb2_grpc.HealthServicer):
    """grpc.health.v1, for probes: "" is the whole server, "live" the process, else a model."""

    def __init__(self, repository: Repository):
        self.repository = repository

    async def Check(self, request, context):
        kinds = health_pb2.HealthCheckResponse
        if request.service == "live":
            return kinds(status=kinds.SERVING)
        try:
            checked = self.repository.find(request.service) if request.service else self.repository
        except ModelNotFound as error:
            await abort(context, error)
        ready = await checked.check_ready()
        return kinds(status=kinds.SERVING if ready else kinds.NOT_SERVING)
