"""`make site` builds the pages without a warning; needs a package registry."""

import json
import os
import re
import subprocess

import pytest

from tests.support.environment import make_environment
from tools import site


@pytest.fixture(scope="module")
def python():
    try:
        return make_environment("site")
    except subprocess.CalledProcessError:
        pytest.skip("the package registry cannot be reached")


@pytest.fixture(scope="module")
def html(python):
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


def test_a_release_keeps_the_pages_of_the_last(python, html, tmp_path):
    """As .github/workflows/release.yml does, in a repository of its own."""

    def run(*command):
        env = {"PATH": f"{python.parent}:{os.defpath}", "HOME": str(tmp_path)}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("git", "init", "--quiet")
    run("git", "config", "user.name", "release")
    run("git", "config", "user.email", "release@example.com")
    run("git", "commit", "--quiet", "--allow-empty", "--message", "release")
    for version in ("0.3.0", "0.4.0"):
        run("mike", "deploy", "-F", site.CONFIG, "--update-aliases", version, "latest")
    versions = json.loads(run("git", "show", "gh-pages:versions.json"))
    assert [(row["version"], row["aliases"]) for row in versions] == [
        ("0.4.0", ["latest"]),
        ("0.3.0", []),
    ]
    assert "docs" in run("git", "ls-tree", "--name-only", "gh-pages:0.3.0").split()
