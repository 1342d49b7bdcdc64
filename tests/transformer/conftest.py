"""A transformer before the fakes, alone and behind its routes."""

import httpx
import pytest

from serving.repository import Repository
from serving.rest.app import create_app
from tests.transformer.fakes import FakeFinder, FakePredictor
from transformer.model import Transformer
from transformer.pool import WorkerPool
from transformer.settings import TransformerSettings


@pytest.fixture
def model() -> Transformer:
    settings = TransformerSettings(workers=1, max_picture_faces=4, max_images=3)
    model = Transformer("unet", settings, FakePredictor())
    model.finder = FakeFinder()  # type: ignore[assignment]
    model.pool = WorkerPool(1, settings.max_pictures)
    model.ready = True
    return model


@pytest.fixture
async def rest(model: Transformer):
    app = create_app(Repository([model], model.settings), "0")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client
