"""Services that several files of tests start in the same way."""

from collections.abc import Iterator

import pytest

from tools.processes import Service, find_ports, run_services


@pytest.fixture(scope="module")
def open_services(tmp_path_factory) -> Iterator[tuple[Service, Service]]:
    """Both services with the repository's methods switched on."""
    settings = {"LANDMARKS_REPOSITORY_API": "true", "LANDMARKS_DRAIN_SECONDS": "0"}
    with run_services(find_ports(), tmp_path_factory.mktemp("logs"), settings) as running:
        yield running
