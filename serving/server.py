"""Start a kserve.ModelServer well: uvloop, our data plane, and a stop that drains."""

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import socket
from functools import partial
from importlib import metadata

import uvloop

from serving.framework import kserve, model_server
from serving.grpc.servicer import create_grpc_server
from serving.listen import ListenError, find_targets, open_sockets
from serving.model import check_name
from serving.repository import Repository, close_all
from serving.rest.app import create_app
from serving.rest.connection import TimedProtocol
from serving.rest.early import EarlyAnswers
from serving.rest.socket import BoundedSocket
from serving.settings import ServerSettings, find_unknown
from serving.telemetry import tracing
from serving.telemetry.logs import logger

RELEASE = "0.3.0"
WORD_SECONDS = 0.5  # before the end of a stop, in which requests are told of it


def parse_arguments() -> argparse.Namespace:
    """Read KServe's own command line flags, those that its controller adds included."""
    model_server.parser.set_defaults(model_name="unet")
    arguments, _ = model_server.parser.parse_known_args()
    if arguments.workers != 1:
        raise SystemExit("--workers must be 1: one process batches best; scale with pods.")
    if problem := check_name(arguments.model_name):
        raise SystemExit(f"--model_name: {problem}")
    return arguments


def run_server(repository: Repository) -> None:
    """Serve the models over REST and gRPC until SIGTERM or SIGINT.

    Exits with one sentence when a port cannot be had.
    """
    arguments, settings = parse_arguments(), repository.settings
    logger.info(
        "starting",
        extra={
            "release": RELEASE,
            "kserve": metadata.version("kserve"),
            "http_port": arguments.http_port,
            "grpc_port": arguments.grpc_port,
            "settings": settings.model_dump(mode="json", exclude={"repository_token"}),
        },
    )
    parser = model_server.parser
    unknown = find_unknown(
        type(settings),
        os.environ,
        parser.parse_known_args()[1],
        [flag for action in parser._actions for flag in action.option_strings],
    )
    if unknown:
        logger.warning(f"Of no effect on the {repository.service}: {unknown}.")
    try:
        sockets = open_sockets(settings.host, arguments.http_port)
        targets = find_targets(settings.host, arguments.grpc_port)
    except ListenError as error:
        raise SystemExit(str(error)) from None
    tracing.start_tracing(repository.service, RELEASE)
    # ModelServer sets up the current loop, then asyncio.run makes another: only a
    # policy reaches that one, and only a current loop keeps the set-up from failing.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.set_event_loop(asyncio.new_event_loop())
    server = Server(
        http_port=arguments.http_port,
        enable_grpc=False,  # ours keeps error codes, which KServe's loses
        workers=1,
        grace_period=settings.stop_seconds,
        enable_latency_logging=False,
    )
    server.prepare(repository, settings, sockets, targets)
    server.start([*repository.list_models()])


class Server(kserve.ModelServer):
    """KServe's model server with our routes, sockets and gRPC, and a stop that loses nothing."""

    def prepare(
        self,
        repository: Repository,
        settings: ServerSettings,
        sockets: list[socket.socket],
        targets: list[str],
    ) -> None:
        """Set what to serve, and where."""
        self.repository, self.settings = repository, settings
        self.sockets, self.targets = sockets, targets

    def register_signal_handler(self) -> None:
        """Leave the signals to `_serve`."""

    async def _serve(self) -> None:
        for unused in self.servers:
            unused.close()  # KServe's own start, which knows one family of addresses
        grpc_server = create_grpc_server(self.repository, RELEASE, self.targets)
        config = self._rest_server.config
        app = create_app(self.repository, RELEASE)  # and none of KServe's
        config.app = EarlyAnswers(app, self.settings.body_seconds)
        config.http = partial(TimedProtocol, self.settings)
        config.ws = partial(BoundedSocket, self.repository.admission, self.settings)
        config.ws_max_size = self.settings.max_body_bytes
        config.ws_per_message_deflate = False  # pictures don't shrink, and bombs would
        rest_server = self._rest_server._server
        rest_server.capture_signals = contextlib.nullcontext
        serving = asyncio.create_task(rest_server.serve(sockets=self.sockets))
        await grpc_server.start()
        stopping: asyncio.Queue[signal.Signals] = asyncio.Queue()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.put_nowait, number)
        # Everything loaded so far is permanent. Scanning it took 0.1 s per collection and paused
        # all requests.
        gc.freeze()
        logger.info("ready", extra={"models": list(self.repository.models)})
        signalled = asyncio.create_task(self.drain(stopping))
        await asyncio.wait({serving, signalled}, return_when=asyncio.FIRST_COMPLETED)

        rest_server.should_exit = True
        # In time for both transports to say so, whose own end is without a word.
        latest = self.settings.stop_seconds - WORD_SECONDS
        asyncio.get_running_loop().call_later(latest, self.repository.admission.stop)
        # Neither transport's end, whatever it is, may end the other's calls.
        ends = await asyncio.gather(
            serving, grpc_server.stop(self.settings.stop_seconds), return_exceptions=True
        )
        for end in ends:
            if isinstance(end, BaseException):
                logger.error("a server did not stop well", exc_info=end)
        await close_all(self.repository.list_models())
        await asyncio.to_thread(tracing.stop_tracing)
        logger.info("stopped")
        if not signalled.done():
            raise SystemExit("The REST server ended by itself.")

    async def drain(self, stopping: "asyncio.Queue[signal.Signals]") -> None:
        """Wait for a signal; after SIGTERM say not ready, and serve for a while."""
        number = await stopping.get()
        self.repository.drain()
        seconds = self.settings.drain_seconds
        if number == signal.SIGTERM and seconds:
            logger.info("draining", extra={"seconds": seconds})
            with contextlib.suppress(TimeoutError):  # a second signal cuts it short
                await asyncio.wait_for(stopping.get(), seconds)
