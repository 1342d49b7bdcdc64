"""V2 over gRPC: methods that read a request, call the model and write the answer."""

import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from serving.errors import ModelNotFound, ServingError
from serving.grpc_codec import decode_request, describe_tensors, encode_response
from serving.logs import log_request, logger
from serving.model import VERSION, Model
from serving.rest import EXTENSIONS, write_timings

CODE_HEADER = "landmarks-error-code"  # trailing metadata: the catalogue's code


def create_grpc_server(
    models: Sequence[Model], release: str, port: int, max_bytes: int
) -> grpc.aio.Server:
    """Build the gRPC server of the V2 and the standard health service, on all interfaces."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", max_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a port in use shall be an error, not shared
            # Callers behind a ClusterIP would stick to one pod for ever.
            ("grpc.max_connection_age_ms", 300_000),
            ("grpc.max_connection_age_grace_ms", 60_000),
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ]
    )
    named = {model.name: model for model in models}
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(InferenceServicer(named, release), server)
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(named), server)
    server.add_insecure_port(f"[::]:{port}")
    return server


class InferenceServicer(pb_grpc.GRPCInferenceServiceServicer):
    """The V2 methods, each calling the same model function as its REST route."""

    def __init__(self, models: Mapping[str, Model], release: str):
        self.models = models
        self.release = release

    def find_model(self, name: str, version: str) -> Model:
        model = self.models.get(name)
        if model is None or version not in ("", VERSION):
            known = ", ".join(f"{name} (version {VERSION})" for name in self.models)
            raise ModelNotFound(
                f"There is no model '{name}' version {version or VERSION} here, but {known}."
            )
        return model

    async def ServerLive(self, request, context):
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, request, context):
        ready = all([await model.check_ready() for model in self.models.values()])
        return pb.ServerReadyResponse(ready=ready)

    async def ServerMetadata(self, request, context):
        return pb.ServerMetadataResponse(
            name="landmarks", version=self.release, extensions=EXTENSIONS
        )

    async def ModelReady(self, request, context):
        try:
            model = self.find_model(request.name, request.version)
        except ServingError as error:
            await abort(context, error)
        return pb.ModelReadyResponse(ready=await model.check_ready())

    async def ModelMetadata(self, request, context):
        try:
            content = self.find_model(request.name, request.version).describe()
        except ServingError as error:
            await abort(context, error)
        content["inputs"] = describe_tensors(content["inputs"])
        content["outputs"] = describe_tensors(content["outputs"])
        return pb.ModelMetadataResponse(**content)

    async def ModelInfer(self, request, context):
        begun = time.perf_counter()
        headers = dict(context.invocation_metadata() or ())
        status, code = "INTERNAL", "internal"
        try:
            model = self.find_model(request.model_name, request.model_version)
            asked = decode_request(request)
            asked.headers = headers
            remaining = context.time_remaining()
            if remaining is not None:
                asked.deadline = time.monotonic() + remaining
            answer = await model.answer(asked)
            context.set_trailing_metadata((("server-timing", write_timings(answer.timings)),))
            status, code = "OK", "ok"
            return encode_response(asked, answer)
        except ServingError as error:
            status, code = error.grpc_status.name, error.code
            await abort(context, error)
        except Exception:
            logger.exception("gRPC request failed")
            await abort(context, ServingError())
        finally:
            log_request("grpc", f"/{request.model_name}/infer", status, code, begun, headers)


class HealthServicer(health_pb2_grpc.HealthServicer):
    """grpc.health.v1, for probes: "" is the whole server, "live" the process, else a model."""

    def __init__(self, models: Mapping[str, Model]):
        self.models = models

    async def Check(self, request, context):
        kinds = health_pb2.HealthCheckResponse
        if request.service == "live":
            return kinds(status=kinds.SERVING)
        names = [request.service] if request.service else list(self.models)
        if any(name not in self.models for name in names):
            await abort(context, ModelNotFound(f"There is no model '{request.service}' here."))
        ready = all([await self.models[name].check_ready() for name in names])
        return kinds(status=kinds.SERVING if ready else kinds.NOT_SERVING)


async def abort(context: grpc.aio.ServicerContext, error: ServingError) -> NoReturn:
    """End the call with the error's status, message and catalogue code."""
    metadata = [(CODE_HEADER, error.code)]
    if error.retry_after is not None:
        metadata.append(("retry-after", str(error.retry_after)))
    await context.abort(error.grpc_status, error.message, tuple(metadata))
    raise AssertionError("abort returns never")
