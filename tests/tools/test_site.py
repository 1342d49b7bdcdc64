"""`make site` builds the pages without a warning; needs a package registry."""

import re
import subprocess

import pytest

from tests.support.environment import make_environment
from tools import site


@pytest.fixture(scope="module")
def html():
    try:
        python = make_environment("site")
    except subprocess.CalledProcessError:
        pytest.skip("the package registry cannot be reached")
    site.build(python)
    return site.OUT / "html"


def test_every_page_is_there_and_can_be_searched(html):
    for page in site.list_pages():
        name = page.replace("README.md", "index.md").replace(".md", ".html")
        assert "<h1" in (html / name).read_text(), page
    assert "landmarks_predictor_ready" in (html / "search/search_index.json").read_text()


def test_the_reference_has_the_clients_functions_and_the_models_keys(html):
    client, model = ((html / f"reference/{name}.html").read_text() for name in ("client", "model"))
    for name in ("locate_many", "Point", "to_dataframe"):
        assert name in client
    assert "level_eyes" in model and "Whether the square is rotated" in model


def test_llms_txt_names_every_page(html):
    links = re.findall(r"\]\((.+?)\)", (html / "llms.txt").read_text())
    assert links == site.list_pages() and all((html / link).is_file() for link in links)


def test_nothing_is_fetched_from_elsewhere(html):
    text = (html / "index.html").read_text()
    assert not re.findall(r'(?:src|rel="stylesheet" href)="(?:https?:)?//', text)
