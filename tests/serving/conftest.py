"""The fake model, served in this process."""

from collections.abc import AsyncIterator

import httpx
import pytest

from serving.repository import Repository
from serving.rest.app import create_app
from tests.serving.fakes import FakeModel


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def repository(model: FakeModel) -> Repository:
    return Repository([model], model.settings)


@pytest.fixture
async def rest(repository: Repository) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(repository, "0"))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client
