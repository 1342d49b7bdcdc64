"""V2 over REST beside inference: health, metadata, configuration, statistics, repository."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from serving.contract import EXTENSIONS
from serving.guard import check_manager
from serving.model import Model
from serving.repository import Repository
from serving.rest.openapi import PAGE, describe_api


class ManageRoutes:
    """One method per route."""

    def __init__(self, repository: Repository, release: str):
        self.repository = repository
        self.release = release

    def list_routes(self) -> list[Route]:
        routes = [
            Route("/v2", self.show_server),
            Route("/v2/health/live", self.show_live),
            Route("/v2/health/ready", self.show_ready),
            Route("/v2/models", self.list_models),
            Route("/v2/models/stats", self.show_all_statistics),
            Route("/v2/repository/index", self.list_states, methods=["POST"]),
            Route("/v2/repository/models/{model}/load", self.load, methods=["POST"]),
            Route("/v2/repository/models/{model}/unload", self.unload, methods=["POST"]),
            Route("/metrics", self.show_metrics),
            Route("/openapi.json", self.show_openapi),
            Route("/docs", self.show_page),
        ]
        for prefix in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
            routes += [
                Route(prefix, self.show_model),
                Route(f"{prefix}/ready", self.show_model_ready),
                Route(f"{prefix}/config", self.show_config),
                Route(f"{prefix}/stats", self.show_statistics),
            ]
        return routes

    def find(self, request: Request) -> Model:
        path = request.path_params
        return self.repository.find(path["model"], path.get("version", ""))

    async def show_server(self, request: Request) -> Response:
        content = {"name": "landmarks", "version": self.release, "extensions": EXTENSIONS}
        return JSONResponse(content)

    async def show_live(self, request: Request) -> Response:
        return JSONResponse({"live": True})

    async def show_ready(self, request: Request) -> Response:
        content: dict[str, object] = {"ready": await self.repository.check_ready()}
        problems = [model.problem for model in self.repository.list_models() if model.problem]
        if not content["ready"] and problems:
            content["reason"] = " ".join(problems)
        return JSONResponse(content, 200 if content["ready"] else 503)

    async def list_models(self, request: Request) -> Response:
        return JSONResponse({"models": list(self.repository.models)})

    async def show_model(self, request: Request) -> Response:
        model = self.find(request)
        await model.refresh()
        content = model.describe()
        if "version" not in request.path_params:
            content["versions"] = self.repository.list_versions(content["name"])
        return JSONResponse(content)

    async def show_model_ready(self, request: Request) -> Response:
        model = self.find(request)
        ready = await model.check_ready()
        content = {"name": model.name, "ready": ready}
        if not ready and model.problem:
            content["reason"] = model.problem
        return JSONResponse(content, 200 if ready else 503)

    async def show_config(self, request: Request) -> Response:
        model = self.find(request)
        await model.refresh()
        return JSONResponse(model.describe_config())

    async def show_statistics(self, request: Request) -> Response:
        return JSONResponse({"model_stats": [self.find(request).describe_statistics()]})

    async def show_all_statistics(self, request: Request) -> Response:
        models = self.repository.list_models()
        return JSONResponse({"model_stats": [model.describe_statistics() for model in models]})

    def check_manager(self, request: Request) -> None:
        self.repository.check_open()
        address = request.client.host if request.client else ""
        check_manager(self.repository.settings, address, request.headers)

    async def list_states(self, request: Request) -> Response:
        self.check_manager(request)
        return JSONResponse(self.repository.list_states())

    async def load(self, request: Request) -> Response:
        name = request.path_params["model"]
        self.check_manager(request)
        await self.repository.load(name)
        return JSONResponse({"name": name, "load": True})

    async def unload(self, request: Request) -> Response:
        name = request.path_params["model"]
        self.check_manager(request)
        await self.repository.unload(name)
        return JSONResponse({"name": name, "unload": True})

    async def show_metrics(self, request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def show_openapi(self, request: Request) -> Response:
        return JSONResponse(describe_api(self.repository.list_models(), self.release))

    async def show_page(self, request: Request) -> Response:
        return HTMLResponse(PAGE)
