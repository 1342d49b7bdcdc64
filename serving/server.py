"""Start a kserve.ModelServer well: uvloop, our data plane, and a stop that drains."""

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Mapping
from importlib import metadata

import kserve
import uvloop
from kserve import model_server
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import tracing
from serving.grpc import create_grpc_server
from serving.logs import logger
from serving.model import Model
from serving.repository import Repository, Shelf, close_all
from serving.rest import create_app
from serving.rest_protocol import install_protocol
from serving.settings import ServerSettings

RELEASE = "0.1.0"


def parse_arguments() -> argparse.Namespace:
    """Read KServe's own command line flags, those that its controller adds included."""
    model_server.parser.set_defaults(model_name="unet")
    arguments, _ = model_server.parser.parse_known_args()
    if arguments.workers != 1:
        raise SystemExit("--workers must be 1: one process batches best; scale with pods.")
    return arguments


def run_server(
    models: list[Model],
    settings: ServerSettings,
    shelf: Shelf | None = None,
    reasons: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """Serve the models over REST and gRPC until SIGTERM or SIGINT.

    `shelf` has models to load at run time, `reasons` tells why some of them are not served.
    """
    arguments = parse_arguments()
    repository = Repository(models, settings, shelf)
    repository.reasons.update(reasons or {})
    logger.info(
        "starting",
        extra={
            "release": RELEASE,
            "kserve": metadata.version("kserve"),
            "http_port": arguments.http_port,
            "grpc_port": arguments.grpc_port,
            "settings": settings.model_dump(mode="json"),
        },
    )
    tracing.start_tracing(repository.service, RELEASE)
    # ModelServer sets up the current loop, then asyncio.run makes another: only a
    # policy reaches that one, and only a current loop keeps the set-up from failing.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.set_event_loop(asyncio.new_event_loop())
    install_protocol(settings.head_seconds, settings.body_seconds)
    # Routes match in order: before those that FastAPI and KServe add, ours answer every path.
    model_server.app.router.routes.insert(0, EveryPath(create_app(repository, RELEASE)))
    server = kserve.ModelServer(
        http_port=arguments.http_port,
        enable_grpc=False,  # ours keeps error codes, which KServe's loses
        workers=1,
        grace_period=settings.stop_seconds,
        enable_latency_logging=False,
    )
    server.servers.append(serve_grpc(repository, settings, arguments.grpc_port))
    server.start(list(models))


class EveryPath(BaseRoute):
    """Hands every request to one application; a Mount leaves out paths with a line break."""

    def __init__(self, app: ASGIApp):
        self.app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


async def serve_grpc(repository: Repository, settings: ServerSettings, port: int) -> None:
    """Serve gRPC beside KServe's REST server, and stop both when a signal comes."""
    server = create_grpc_server(repository, RELEASE, port, settings.max_body_bytes)
    await server.start()
    stopping: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    # uvicorn's handlers stop REST at once; we call them when the drain is over.
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in handlers:
        loop.add_signal_handler(number, stopping.put_nowait, number)
    logger.info("ready", extra={"models": list(repository.models)})

    number = await stopping.get()
    repository.drain()
    if number == signal.SIGTERM and settings.drain_seconds:
        logger.info("draining", extra={"seconds": settings.drain_seconds})
        with contextlib.suppress(TimeoutError):  # a second signal cuts it short
            number = await asyncio.wait_for(stopping.get(), settings.drain_seconds)
    handler = handlers[number]
    assert callable(handler)
    handler(number, None)
    await server.stop(settings.stop_seconds)
    latest = loop.time() + settings.stop_seconds
    while repository.admission.requests and loop.time() < latest:
        await asyncio.sleep(0.02)  # REST requests may still be under way
    await close_all(repository.list_models())
    await asyncio.to_thread(tracing.tracer.close)
    logger.info("stopped")
