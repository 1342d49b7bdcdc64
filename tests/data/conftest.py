"""Checks on data that is not ours to ship: pytest tests/data --data FOLDER.

FOLDER has faces/ (crops with landmarks) and pictures/ (photographs), as .ci/run says.
"""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data(request: pytest.FixtureRequest) -> Path:
    folder = request.config.getoption("--data")
    if folder is None:
        pytest.skip("no --data FOLDER was given")
    return folder
