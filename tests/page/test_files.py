"""The page's files: where they are served, with what headers, and where they are not."""

import httpx
import pytest

from serving.repository import Repository
from serving.rest.app import create_app
from standalone import StandaloneSettings
from transformer.model import Transformer
from transformer.settings import PAGE, TransformerSettings

FILES = {f"/page/{path.name}".replace("/page/index.html", "/"): path for path in PAGE.iterdir()}


def open_rest(settings: TransformerSettings) -> httpx.AsyncClient:
    model = Transformer("unet", settings, None)  # type: ignore[arg-type]
    repository = Repository([model], settings)
    transport = httpx.ASGITransport(create_app(repository, "0"))
    return httpx.AsyncClient(transport=transport, base_url="http://here")


@pytest.mark.parametrize("kind", [TransformerSettings, StandaloneSettings])
async def test_every_file_is_served_and_bound_to_its_own_server(kind):
    async with open_rest(kind()) as rest:
        for at, path in FILES.items():
            answer = await rest.get(at)
            assert answer.content == path.read_bytes() and b"innerHTML" not in answer.content
            rules = answer.headers["content-security-policy"].split("; ")
            assert "default-src 'self'" in rules and "frame-ancestors 'none'" in rules
            assert not any("unsafe" in rule or "http" in rule for rule in rules)
            assert answer.headers["x-content-type-options"] == "nosniff"
            known = {"if-none-match": answer.headers["etag"]}
            assert (await rest.get(at, headers=known)).status_code == 304


async def test_one_setting_takes_the_page_away(monkeypatch):
    monkeypatch.setenv("LANDMARKS_DEMO_PAGE", "false")
    async with open_rest(TransformerSettings()) as rest:
        assert {(await rest.get(at)).status_code for at in FILES} == {404}


async def test_nothing_but_the_files_is_there():
    async with open_rest(TransformerSettings()) as rest:
        for path in ("/page", "/page/", "/page/../model.py", "/page/%2e%2e/model.py", "/model.py"):
            assert (await rest.get(path)).status_code == 404, path
        assert (await rest.post("/")).status_code == 405
