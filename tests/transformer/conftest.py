"""A transformer before the fakes, alone and behind its routes."""

import httpx
import pytest

from serving.repository import Repository
from serving.rest.app import create_app
from tests.transformer.fakes import make_model
from transformer.model import Transformer


@pytest.fixture
def model() -> Transformer:
    return make_model()


@pytest.fixture
async def rest(model: Transformer):
    app = create_app(Repository([model], model.settings), "0")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client
