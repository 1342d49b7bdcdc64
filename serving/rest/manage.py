"""V2 over REST beside inference, and what operators and developers read: metrics, OpenAPI."""

from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from serving.guard import check_manager
from serving.management import Content, Management
from serving.repository import Repository
from serving.rest.openapi import PAGE, describe_api

Handler = Callable[[Request], Awaitable[Response]]
MODEL = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")


def list_manage_routes(repository: Repository, release: str) -> Iterator[Route]:
    """List the routes; those of the repository take POST, of who may manage models."""
    of = Management(repository, release)

    def guard(request: Request) -> None:
        address = request.client.host if request.client else ""
        check_manager(repository.settings, address, request.headers)

    async def list_states(request: Request) -> Response:
        guard(request)
        return JSONResponse(repository.managed.list_states())

    def change(verb: str) -> Handler:
        async def handle(request: Request) -> Response:
            guard(request)
            await getattr(repository.managed, verb)(name := request.path_params["model"])
            return JSONResponse({"name": name, verb: True})

        return handle

    async def show_metrics(request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def show_openapi(request: Request) -> Response:
        return JSONResponse(describe_api(repository.list_models(), release))

    async def show_page(request: Request) -> Response:
        return HTMLResponse(PAGE)

    yield Route("/v2", show(of.show_server))
    yield Route("/v2/health/live", show(of.show_live))
    yield Route("/v2/health/ready", show(of.show_ready))
    yield Route("/v2/models", show(of.list_models))
    yield Route("/v2/models/stats", show(of.show_statistics))
    yield Route("/v2/repository/index", list_states, methods=["POST"])
    for verb in ("load", "unload"):
        yield Route(f"/v2/repository/models/{{model}}/{verb}", change(verb), methods=["POST"])
    yield Route("/metrics", show_metrics)
    yield Route("/openapi.json", show_openapi)
    yield Route("/docs", show_page)
    for prefix in MODEL:
        yield Route(prefix, show(of.show_model))
        yield Route(f"{prefix}/ready", show(of.show_model_ready))
        yield Route(f"{prefix}/config", show(of.show_config))
        yield Route(f"{prefix}/stats", show(of.show_statistics))


def show(method: Callable[[str, str], Awaitable[Content]]) -> Handler:
    """Make a method a handler that shows what it gives, with 503 of what is not ready."""

    async def handle(request: Request) -> Response:
        path = request.path_params
        content = await method(path.get("model", ""), path.get("version", ""))
        return JSONResponse(content, 200 if content.get("ready", True) else 503)

    return handle
