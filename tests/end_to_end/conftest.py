"""Services that several files of tests start in the same way."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tools.processes import Service, find_ports, run_services, start_service, wait_ready


@pytest.fixture(scope="session")
def open_services(tmp_path_factory) -> Iterator[tuple[Service, ...]]:
    """Both services with the repository's methods switched on."""
    settings = {"LANDMARKS_REPOSITORY_API": "true", "LANDMARKS_DRAIN_SECONDS": "0"}
    with run_services(find_ports(), tmp_path_factory.mktemp("logs"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def start_own(tmp_path_factory) -> Iterator[Callable[..., Service]]:
    """A function that starts a service with settings of its own; a drain takes it no time.

    Its log has to be free of tracebacks.
    """
    started = list[Service]()

    def start(kind: str, **settings: str) -> Service:
        own = {"LANDMARKS_DRAIN_SECONDS": "0"}
        for name, value in settings.items():
            own[("" if name.startswith("otel_") else "LANDMARKS_") + name.upper()] = value
        ports, logs = find_ports(), tmp_path_factory.mktemp("logs")
        started.append(start_service(kind, ports.rest, ports.grpc, logs, own))
        wait_ready(started[-1])
        return started[-1]

    yield start
    for service in reversed(started):
        service.stop()
        assert "Traceback" not in service.log.read_text()


@pytest.fixture(scope="module")
def start_transformer(start_own, predictor: Service) -> Callable[..., Service]:
    """The same for a transformer before the shared predictor."""
    return partial(start_own, "transformer", predictor=f"127.0.0.1:{predictor.grpc}")
