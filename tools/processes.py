"""Run the services as processes of this machine, for the demo, `make serve` and the tests."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90.0
Settings = Mapping[str, str]


class StartError(RuntimeError):
    """A service did not come up; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the services listen on 127.0.0.1."""

    rest: int = 8080  # the transformer's
    grpc: int = 8081
    predictor_rest: int = 8082
    predictor_grpc: int = 8083


@dataclass(slots=True)
class Service:
    """A running server process."""

    name: str
    process: subprocess.Popen
    log: Path
    rest: int
    grpc: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.rest}"

    def tail_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 30.0) -> int:
        """Ask it to stop, and wait; gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def find_free_ports(count: int) -> list[int]:
    """Find so many free ports."""
    with contextlib.ExitStack() as held:  # all at once, so that none is found twice
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [entry.getsockname()[1] for entry in sockets]


def find_ports() -> Ports:
    """Find four free ports."""
    return Ports(*find_free_ports(4))


def start_service(
    name: str, rest: int, grpc: int, logs: Path, settings: Settings, python: str = sys.executable
) -> Service:
    """Start `python -m name`, its log in a file."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("w") as sink:
        process = subprocess.Popen(
            [python, "-m", name, f"--http_port={rest}", f"--grpc_port={grpc}"],
            cwd=ROOT,
            env={"LANDMARKS_HOST": "localhost", **os.environ, **settings},
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C comes to us, and we stop them in order
        )
    return Service(name, process, log, rest, grpc)


def wait_ready(service: Service, seconds: float = START_SECONDS) -> float:
    """Wait until its model is ready; gives the seconds. Raises StartError."""
    begun = time.monotonic()
    session = requests.Session()
    session.trust_env = False  # a proxy of the environment leads past this machine
    while time.monotonic() - begun < seconds:
        if service.process.poll() is not None:
            raise StartError(f"The {service.name} ended at its start:\n{service.tail_log()}")
        with contextlib.suppress(requests.RequestException):
            if session.get(f"{service.url}/v2/models/unet/ready", timeout=2).ok:
                return time.monotonic() - begun
        time.sleep(0.02)
    raise StartError(f"The {service.name} is not ready:\n{service.tail_log()}")


@contextlib.contextmanager
def run_services(
    ports: Ports,
    logs: Path,
    settings: Settings | None = None,
    report: Callable[[str], object] = lambda line: None,
    find_python: Callable[[str], str] = lambda name: sys.executable,
    names: Sequence[str] = ("predictor", "transformer"),
) -> Iterator[tuple[Service, ...]]:
    """Run services until the block ends; `report` gets progress, `find_python` names interpreters.

    The predictor has ports of its own, what else is named the transformer's. They end in reverse:
    the transformer needs the predictor.
    """
    behind = ports.predictor_rest, ports.predictor_grpc
    own = {"LANDMARKS_PREDICTOR": f"127.0.0.1:{behind[1]}"} if "transformer" in names else {}
    with contextlib.ExitStack() as running:
        report(f"starting {' and '.join(names)} ...")
        services: list[Service] = []
        for name in names:
            pair = behind if name == "predictor" else (ports.rest, ports.grpc)
            services.append(
                start_service(name, *pair, logs, {**own, **(settings or {})}, find_python(name))
            )
            running.callback(services[-1].stop)
        for service in services:
            wait_ready(service)
            report(f"{service.name} is ready at {service.url} (log: {service.log})")
        yield tuple(services)
