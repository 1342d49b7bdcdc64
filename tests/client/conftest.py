"""A scripted service for each test."""

from collections.abc import Iterator

import pytest

from tests.client.service import Script, run_script


@pytest.fixture
def script() -> Iterator[Script]:
    with run_script() as script:
        yield script
