"""V2 over gRPC beside inference."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import grpc.aio
from google.protobuf.json_format import ParseDict
from grpc_health.v1 import health_pb2

from serving.errors import InvalidRequest, ServingError
from serving.framework import pb
from serving.grpc import extension_pb2 as ext
from serving.grpc.errors import abort
from serving.guard import check_manager
from serving.management import Content, Management
from serving.repository import Repository
from serving.telemetry.logs import logger

Guard = Callable[[grpc.aio.ServicerContext], None]


def create_handlers(repository: Repository, release: str) -> dict[str, grpc.RpcMethodHandler]:
    """Build the handlers by name. The last five take messages of extension.proto, not KServe's."""
    of = Management(repository, release)

    def guard(context: grpc.aio.ServicerContext) -> None:
        address = unquote(context.peer()).partition(":")[2].rpartition(":")[0]
        metadata = {name: str(value) for name, value in context.invocation_metadata() or ()}
        check_manager(repository.settings, address, metadata)

    async def show_config(name: str, version: str) -> Content:
        return {"config": await of.show_config(name, version)}

    async def list_states(request: ext.IndexRequest) -> ext.IndexResponse:
        states = repository.managed.list_states()
        ready = [state for state in states if state["state"] == "READY" or not request.ready]
        return ext.IndexResponse(models=ready)

    async def load(request: ext.LoadRequest) -> pb.RepositoryModelLoadResponse:
        await repository.managed.load(name := read_name(request))
        return pb.RepositoryModelLoadResponse(model_name=name, isLoaded=True)

    async def unload(request: ext.LoadRequest) -> pb.RepositoryModelUnloadResponse:
        await repository.managed.unload(name := read_name(request))
        return pb.RepositoryModelUnloadResponse(model_name=name, isUnloaded=True)

    shown = {
        "ServerLive": (of.show_live, pb.ServerLiveRequest, pb.ServerLiveResponse),
        "ServerReady": (of.show_ready, pb.ServerReadyRequest, pb.ServerReadyResponse),
        "ServerMetadata": (of.show_server, pb.ServerMetadataRequest, pb.ServerMetadataResponse),
        "ModelReady": (of.show_model_ready, pb.ModelReadyRequest, pb.ModelReadyResponse),
        "ModelMetadata": (of.show_model, pb.ModelMetadataRequest, pb.ModelMetadataResponse),
        "ModelConfig": (show_config, ext.ModelRequest, ext.ConfigResponse),
        "ModelStatistics": (of.show_statistics, ext.ModelRequest, ext.StatisticsResponse),
    }
    return {name: wrap(fill(method, to), kind) for name, (method, kind, to) in shown.items()} | {
        "RepositoryIndex": wrap(list_states, ext.IndexRequest, guard),
        "RepositoryModelLoad": wrap(load, ext.LoadRequest, guard),
        "RepositoryModelUnload": wrap(unload, ext.LoadRequest, guard),
    }


def create_health(repository: Repository) -> grpc.RpcMethodHandler:
    """Build the handler of grpc.health.v1 for probes.

    The service "" is the whole server, "live" the process, any other one a model.
    """

    async def check(request: health_pb2.HealthCheckRequest) -> health_pb2.HealthCheckResponse:
        if request.service == "live":
            return health_pb2.HealthCheckResponse(status="SERVING")
        checked = repository.find(request.service) if request.service else repository
        ready = await checked.check_ready()
        return health_pb2.HealthCheckResponse(status="SERVING" if ready else "NOT_SERVING")

    return wrap(check, health_pb2.HealthCheckRequest)


def read_name(request: ext.LoadRequest) -> str:
    name = request.triton_name or request.kserve_name
    if not name:
        raise InvalidRequest("The request names no model.")
    return name


def fill(method: Callable[[str, str], Awaitable[Content]], kind: Any) -> Callable:
    """Make a method one that takes a request, and gives a message with what it has fields for."""

    async def answer(request: Any) -> Any:
        content = await method(getattr(request, "name", ""), getattr(request, "version", ""))
        return ParseDict(content, kind(), ignore_unknown_fields=True)

    return answer


def wrap(
    method: Callable[[Any], Awaitable[Any]], kind: Any, guard: Guard = lambda context: None
) -> grpc.RpcMethodHandler:
    """Make a method a gRPC handler whose errors are the catalogue's."""

    async def handle(request: Any, context: grpc.aio.ServicerContext) -> Any:
        try:
            guard(context)
            return await method(request)
        except Exception as error:
            if not isinstance(error, ServingError):
                logger.exception("a call failed")
            await abort(context, error)

    return grpc.unary_unary_rpc_method_handler(
        handle, kind.FromString, lambda message: message.SerializeToString()
    )
