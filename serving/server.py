"""Start a kserve.ModelServer well: uvloop, our data plane, and a stop that drains."""

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Sequence
from importlib import metadata

import kserve
import uvloop
from kserve import model_server

from serving.grpc import create_grpc_server
from serving.logs import logger
from serving.model import Model
from serving.rest import create_app
from serving.settings import ServerSettings

RELEASE = "0.1.0"


def parse_arguments() -> argparse.Namespace:
    """Read KServe's own command line flags, those that its controller adds included."""
    model_server.parser.set_defaults(model_name="unet")
    arguments, _ = model_server.parser.parse_known_args()
    if arguments.workers != 1:
        raise SystemExit("--workers must be 1: one process batches best; scale with pods.")
    return arguments


def run_server(models: Sequence[Model], settings: ServerSettings) -> None:
    """Serve the models over REST and gRPC until SIGTERM or SIGINT."""
    arguments = parse_arguments()
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
    # ModelServer sets up the current loop, then asyncio.run makes another: only a
    # policy reaches that one, and only a current loop keeps the set-up from failing.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.set_event_loop(asyncio.new_event_loop())
    # Routes match in order: mounted before KServe adds its own, ours answer every path.
    model_server.app.mount("/", create_app(models, RELEASE))
    server = kserve.ModelServer(
        http_port=arguments.http_port,
        enable_grpc=False,  # ours keeps error codes, which KServe's loses
        workers=1,
        grace_period=settings.stop_seconds,
        enable_latency_logging=False,
    )
    server.servers.append(serve_grpc(models, settings, arguments.grpc_port))
    server.start(list(models))


async def serve_grpc(models: Sequence[Model], settings: ServerSettings, port: int) -> None:
    """Serve gRPC beside KServe's REST server, and stop both when a signal comes."""
    server = create_grpc_server(models, RELEASE, port, settings.max_body_bytes)
    await server.start()
    stopping: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    # uvicorn's handlers stop REST at once; we call them when the drain is over.
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in handlers:
        loop.add_signal_handler(number, stopping.put_nowait, number)
    logger.info("ready", extra={"models": [model.name for model in models]})

    number = await stopping.get()
    for model in models:
        model.draining = True
    if number == signal.SIGTERM and settings.drain_seconds:
        logger.info("draining", extra={"seconds": settings.drain_seconds})
        with contextlib.suppress(TimeoutError):  # a second signal cuts it short
            number = await asyncio.wait_for(stopping.get(), settings.drain_seconds)
    handler = handlers[number]
    assert callable(handler)
    handler(number, None)
    await server.stop(settings.stop_seconds)
    latest = loop.time() + settings.stop_seconds
    while any(model.inflight for model in models) and loop.time() < latest:
        await asyncio.sleep(0.02)  # REST requests may still be under way
    for model in models:
        await model.close()
    logger.info("stopped")
