"""Checks on data that is not ours to ship: pytest checks --data FOLDER.

FOLDER has faces/ (crops with landmarks) and pictures/ (photographs), as .ci/run says.
"""

from pathlib import Path

import pytest

from tests.conftest import predictor, services, transformer

__all__ = ["predictor", "services", "transformer"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--data", type=Path, required=True)


@pytest.fixture(scope="session")
def data(request: pytest.FixtureRequest) -> Path:
    return request.config.getoption("--data")
