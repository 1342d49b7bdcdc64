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

    def read_memory(self, kind: str = "VmRSS") -> float:
        """Read its resident memory, or the most that it was (VmHWM), in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition(f"{kind}:")[2].split()[0]) / 1024

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


def bypass_proxy() -> None:
    """Let this process reach its own machine where the environment names a proxy for the world."""
    hosts = [os.environ.get("no_proxy", ""), "127.0.0.1", "localhost", "::1"]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, hosts))


def find_free_ports(count: int) -> list[int]:
    """Find so many free ports."""
    with contextlib.ExitStack() as held:  # all at once, so that none is found twice
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for entry in sockets:
            entry.bind(("127.0.0.1", 0))
        return [entry.getsockname()[1] for entry in sockets]


def find_ports() -> Ports:
    """Find four free ports."""
    return Ports(*find_free_ports(4))


def start_service(
    name: str,
    rest: int,
    grpc: int,
    logs: Path,
    settings: Mapping[str, str],
    *,
    arguments: Sequence[str] = (),
    cpus: str = "",
    python: str = sys.executable,
) -> Service:
    """Start `python -m name`, its log in a file; `cpus` pins it to processors, as "0" or "0,1"."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    command = [python, "-m", name, f"--http_port={rest}", f"--grpc_port={grpc}", *arguments]
    pinned = ["taskset", "-c", cpus] if cpus else []
    with log.open("w") as sink:
        process = subprocess.Popen(
            [*pinned, *command],
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
    settings: Mapping[str, str] | None = None,
    report: Callable[[str], None] = lambda line: None,
    cpus: str = "",
    find_python: Callable[[str], str] = lambda name: sys.executable,
) -> Iterator[tuple[Service, Service]]:
    """Run both until the block ends; `report` gets progress, `find_python` names interpreters."""
    settings = {"LANDMARKS_PREDICTOR": f"127.0.0.1:{ports.predictor_grpc}", **(settings or {})}
    places = {
        "predictor": (ports.predictor_rest, ports.predictor_grpc),
        "transformer": (ports.rest, ports.grpc),
    }
    with contextlib.ExitStack() as running:  # ends the transformer first: it needs the other
        report("starting predictor and transformer ...")
        services: list[Service] = []
        for name, pair in places.items():
            python = find_python(name)
            services.append(start_service(name, *pair, logs, settings, cpus=cpus, python=python))
            running.callback(services[-1].stop)
        for service in services:
            wait_ready(service)
            report(f"{service.name} is ready at {service.url} (log: {service.log})")
        yield services[0], services[1]


@contextlib.contextmanager
def run_standalone(
    ports: Ports, logs: Path, settings: Mapping[str, str] | None = None, report=lambda line: None
) -> Iterator[Service]:
    """Run both in one process until the block ends, at the ports of the transformer."""
    report("starting predictor and transformer in one process ...")
    service = start_service("standalone", ports.rest, ports.grpc, logs, settings or {})
    try:
        wait_ready(service)
        report(f"it is ready at {service.url} (log: {service.log})")
        yield service
    finally:
        service.stop()
