"""Services that several files of tests start in the same way."""

from collections.abc import Callable, Iterator

import pytest

from tools.processes import Service, find_ports, run_services, start_service, wait_ready


@pytest.fixture(scope="module")
def open_services(tmp_path_factory) -> Iterator[tuple[Service, Service]]:
    """Both services with the repository's methods switched on."""
    settings = {"LANDMARKS_REPOSITORY_API": "true", "LANDMARKS_DRAIN_SECONDS": "0"}
    with run_services(find_ports(), tmp_path_factory.mktemp("logs"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def start_transformer(tmp_path_factory, predictor: Service) -> Iterator[Callable[..., Service]]:
    """A function that starts a transformer with settings of its own, before the shared predictor.

    Its log has to be free of tracebacks.
    """
    started = list[Service]()

    def start(**settings: str) -> Service:
        ports = find_ports()
        own = {"LANDMARKS_PREDICTOR": f"127.0.0.1:{predictor.grpc}", "LANDMARKS_DRAIN_SECONDS": "0"}
        own |= {f"LANDMARKS_{name.upper()}": value for name, value in settings.items()}
        logs = tmp_path_factory.mktemp("logs")
        started.append(start_service("transformer", ports.rest, ports.grpc, logs, own))
        wait_ready(started[-1])
        return started[-1]

    yield start
    for service in started:
        service.stop()
        assert "Traceback" not in service.log.read_text()
