"""V2 over gRPC beside inference: health, metadata, configuration, statistics, repository."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import grpc.aio

from serving.contract import EXTENSIONS
from serving.errors import InvalidRequest, ServingError
from serving.framework import pb
from serving.grpc import extension_pb2 as ext
from serving.grpc.codec import describe_tensors
from serving.grpc.errors import abort
from serving.guard import check_manager
from serving.repository import Repository
from serving.telemetry.logs import logger


class Management:
    """One method per call. The last five take messages of extension.proto, not KServe's."""

    def __init__(self, repository: Repository, release: str):
        self.repository = repository
        self.release = release

    async def show_live(self, request):
        return pb.ServerLiveResponse(live=True)

    async def show_ready(self, request):
        return pb.ServerReadyResponse(ready=await self.repository.check_ready())

    async def show_server(self, request):
        return pb.ServerMetadataResponse(
            name="landmarks", version=self.release, extensions=EXTENSIONS
        )

    async def show_model_ready(self, request):
        model = self.repository.find(request.name, request.version)
        return pb.ModelReadyResponse(ready=await model.check_ready())

    async def show_model(self, request):
        model = self.repository.find(request.name, request.version)
        await model.refresh()
        content = model.describe()
        content.pop("parameters", None)  # its message has none; the configuration has them
        if not request.version:
            content["versions"] = self.repository.list_versions(request.name)
        content["inputs"] = describe_tensors(content["inputs"])
        content["outputs"] = describe_tensors(content["outputs"])
        return pb.ModelMetadataResponse(**content)

    async def show_config(self, request):
        model = self.repository.find(request.name, request.version)
        await model.refresh()
        config = model.describe_config()
        return ext.ConfigResponse(config=ext.ModelConfig(**config))

    async def show_statistics(self, request):
        models = self.repository.list_models()
        if request.name:
            models = [self.repository.find(request.name, request.version)]
        found = [model.describe_statistics() for model in models]
        for entry in found:
            del entry["batch_stats"]
        return ext.StatisticsResponse(model_stats=[ext.ModelStatistics(**e) for e in found])

    async def list_states(self, request):
        states = self.repository.list_states()
        if request.ready:
            states = [state for state in states if state["state"] == "READY"]
        return ext.IndexResponse(models=[ext.IndexResponse.ModelIndex(**s) for s in states])

    async def load(self, request):
        name = read_name(request)
        await self.repository.load(name)
        return pb.RepositoryModelLoadResponse(model_name=name, isLoaded=True)

    async def unload(self, request):
        name = read_name(request)
        await self.repository.unload(name)
        return pb.RepositoryModelUnloadResponse(model_name=name, isUnloaded=True)


def read_name(request: ext.LoadRequest) -> str:
    name = request.triton_name or request.kserve_name
    if not name:
        raise InvalidRequest("The request names no model.")
    return name


def create_handlers(repository: Repository, release: str) -> dict[str, grpc.RpcMethodHandler]:
    """Build the handlers of these methods, by name."""
    methods = Management(repository, release)

    def guard(context: grpc.aio.ServicerContext) -> None:
        repository.check_open()
        address = unquote(context.peer()).partition(":")[2].rpartition(":")[0]
        metadata = {name: str(value) for name, value in context.invocation_metadata() or ()}
        check_manager(repository.settings, address, metadata)

    return {
        "ServerLive": wrap(methods.show_live, pb.ServerLiveRequest),
        "ServerReady": wrap(methods.show_ready, pb.ServerReadyRequest),
        "ServerMetadata": wrap(methods.show_server, pb.ServerMetadataRequest),
        "ModelReady": wrap(methods.show_model_ready, pb.ModelReadyRequest),
        "ModelMetadata": wrap(methods.show_model, pb.ModelMetadataRequest),
        "ModelConfig": wrap(methods.show_config, ext.ModelRequest),
        "ModelStatistics": wrap(methods.show_statistics, ext.ModelRequest),
        "RepositoryIndex": wrap(methods.list_states, ext.IndexRequest, guard),
        "RepositoryModelLoad": wrap(methods.load, ext.LoadRequest, guard),
        "RepositoryModelUnload": wrap(methods.unload, ext.LoadRequest, guard),
    }


def wrap(
    method: Callable[[Any], Awaitable[Any]],
    kind: Any,
    guard: Callable[[grpc.aio.ServicerContext], None] = lambda context: None,
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
