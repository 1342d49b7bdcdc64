"""V2 inference over gRPC: read a request, call the model, write the answer."""

import math
import resource
import time
from collections.abc import Sequence
from contextlib import ExitStack

import grpc.aio

from serving.contract import GRPC_INFER, GRPC_SERVICE, ID_HEADER, SET_HEADER
from serving.errors import InvalidRequest
from serving.framework import pb
from serving.grpc import extension_pb2 as ext
from serving.grpc.codec import decode_message, encode_response
from serving.grpc.errors import abort
from serving.grpc.manage import create_handlers, create_health
from serving.grpc.reception import Reception, ask_model, check_metadata
from serving.grpc.stream import InferenceStream
from serving.messages import MAX_HEAD_BYTES
from serving.repository import Repository
from serving.settings import ServerSettings
from serving.telemetry.record import RequestLog
from serving.telemetry.stages import Stage, write_timings

HEALTH_SERVICE = "grpc.health.v1.Health"
SPARE_CALLS = 32  # of a connection, beside those in flight: health and metadata
METADATA_BYTES = 2 * MAX_HEAD_BYTES  # above what REST and this file take: they say it better


def create_grpc_server(
    repository: Repository, release: str, addresses: Sequence[str]
) -> grpc.aio.Server:
    """Build the gRPC server of the V2 and the standard health service on `host:port` addresses."""
    settings = repository.settings
    grace = settings.request_seconds + settings.answer_seconds
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", settings.max_body_bytes + MAX_HEAD_BYTES),
            # Between the two, gRPC would refuse at random.
            ("grpc.max_metadata_size", METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", METADATA_BYTES),
            ("grpc.max_send_message_length", -1),
            # A connection, a call and a message: each has its bound, as over REST.
            ("grpc.max_allowed_incoming_connections", count_connections()),
            # Idle is also who still reads the answer to its last call.
            ("grpc.max_connection_idle_ms", round(1000 * settings.answer_seconds)),
            ("grpc.max_concurrent_streams", settings.max_inflight + SPARE_CALLS),
            ("grpc.server.max_pending_requests", settings.max_inflight),
            ("grpc.server.max_pending_requests_hard_limit", settings.max_inflight),
            # Probing, it opens windows of megabytes to messages that nobody reads yet.
            ("grpc.http2.bdp_probe", 0),
            ("grpc.so_reuseport", 0),  # a port in use shall be an error, not shared
            # Callers behind a ClusterIP would stick to one pod for ever, and who reads no
            # answer would keep it here: nothing else ends such a call.
            ("grpc.max_connection_age_ms", round(1000 * settings.request_seconds)),
            ("grpc.max_connection_age_grace_ms", round(1000 * grace)),
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),  # or the line above holds in calls alone
        ]
    )
    methods = create_handlers(repository, release)
    reception = Reception(settings)
    # Of a stream of messages, as gRPC reads a single one unasked.
    methods["ModelInfer"] = grpc.stream_unary_rpc_method_handler(
        Inference(repository, reception).infer, None, pb.ModelInferResponse.SerializeToString
    )
    methods["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(
        InferenceStream(repository, reception).infer, None, ext.StreamResponse.SerializeToString
    )
    server.add_registered_method_handlers(GRPC_SERVICE, methods)
    server.add_registered_method_handlers(HEALTH_SERVICE, {"Check": create_health(repository)})
    credentials = read_credentials(settings)
    for address in addresses:
        if credentials is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, credentials)
    return server


def count_connections() -> int:
    """Count the connections that are taken: no more than half of the files that may be open."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1024 if files == resource.RLIM_INFINITY else max(1, min(1024, files // 2))


def read_credentials(settings: ServerSettings) -> grpc.ServerCredentials | None:
    """Read the certificate of the settings, and again for each connection, as it may be renewed.

    Raises SystemExit with one sentence where there is half of it or none of its files.
    """
    certificate, key = settings.grpc_certificate, settings.grpc_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise SystemExit("LANDMARKS_GRPC_CERTIFICATE and LANDMARKS_GRPC_KEY go together.")

    def read() -> grpc.ServerCertificateConfiguration:
        pair = (key.read_bytes(), certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair])

    try:
        return grpc.dynamic_ssl_server_credentials(read(), read, False)
    except OSError as error:
        raise SystemExit(f"The certificate of gRPC cannot be read: {error}.") from None


class Inference:
    """The inference method, calling the same model function as its REST route."""

    def __init__(self, repository: Repository, reception: Reception):
        self.repository, self.reception = repository, reception

    async def infer(self, _, context: grpc.aio.ServicerContext) -> pb.ModelInferResponse:
        headers = dict(context.invocation_metadata() or ())
        record = RequestLog(self.repository.service, "grpc", GRPC_INFER, "/", headers)
        try:
            with record:
                return await self.handle(context, record, headers)
        except Exception as error:
            await abort(context, error, record.request_id)

    async def handle(
        self, context: grpc.aio.ServicerContext, record: RequestLog, headers: dict[str, str]
    ) -> pb.ModelInferResponse:
        check_metadata(headers)
        message = await self.reception.read(context.read)
        if not isinstance(message, bytes):  # EOF
            raise InvalidRequest("The call has no message.")
        with ExitStack() as place:
            ticket = place.enter_context(self.repository.admission.enter())
            ticket.add(len(message))
            asked = await decode_message(message)
            remaining = context.time_remaining()
            deadline = math.inf if remaining is None else time.monotonic() + remaining
            answer = await ask_model(self.repository, asked, record, headers, ticket.add, deadline)
            content = encode_response(answer)
            ticket.add(sum(array.nbytes for array in answer.outputs.values()))
            # The place is kept until the caller has taken the answer, or lost the connection.
            leave = place.pop_all().close
            context.add_done_callback(lambda _: leave())
        answer.timings[Stage.TOTAL] = record.stop()
        context.set_trailing_metadata(
            (
                ("server-timing", write_timings(answer.timings)),
                (ID_HEADER, record.request_id),
                (SET_HEADER, answer.landmarks),
            )
        )
        return content
