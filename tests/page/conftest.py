"""The browser of these tests, and pictures to give to the page."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.page.browser import CHROMIUM, DRIVER, Browser
from tools.processes import Service

needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.driver.quit()


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Service:
    """The server of the page: the transformer, and where a test is parametrized, the other."""
    return request.getfixturevalue(getattr(request, "param", "transformer"))


on_both_servers = pytest.mark.parametrize("served", ["transformer", "standalone"], indirect=True)


@pytest.fixture
def page(chromium: Browser, served: Service) -> Iterator[Browser]:
    """The page, just opened; afterwards it has asked no other server, and broken no rule."""
    chromium.list_requests()
    chromium.list_complaints()
    chromium.open(served.url)
    yield chromium
    asked = chromium.list_requests()
    assert asked
    assert [url for url in asked if not url.startswith((served.url, "blob:", "data:"))] == []
    assert chromium.list_complaints() == []


@pytest.fixture(scope="session")
def photo(tmp_path_factory, astronaut: bytes) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.jpg"
    path.write_bytes(astronaut)
    return path


@pytest.fixture(scope="session")
def group(tmp_path_factory, astronaut: bytes) -> Path:
    """Six faces of three sizes in one wide picture."""
    whole = Image.new("RGB", (1500, 620), "#777777")
    face = Image.open(io.BytesIO(astronaut)).crop((100, 20, 360, 280))
    for number in range(6):
        side = (240, 180, 300)[number % 3]
        whole.paste(face.resize((side, side)), (20 + 480 * (number % 3), 310 * (number // 3)))
    path = tmp_path_factory.mktemp("group") / "a group's picture.png"
    whole.save(path)
    return path
