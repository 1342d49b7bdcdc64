"""`make site` and `make sbom`, which need a package registry: pages without a warning, lists."""

import functools
import json
import os
import re
import subprocess

import pytest

from tests.support import environment
from tests.tools.test_house import read_requirements
from tools import site
from tools.processes import ROOT


@pytest.fixture(scope="module")
def python():
    try:
        return environment.make_environment("site")
    except subprocess.CalledProcessError:
        pytest.skip("the package registry cannot be reached")


@pytest.fixture(scope="module")
def html(python):
    site.build(python)
    return site.OUT / "html"


def test_every_page_is_there_named_and_can_be_searched(html):
    for page in site.list_pages():
        name = page.replace("README.md", "index.md").replace(".md", ".html")
        assert "<h1" in (html / name).read_text(), page
    links = re.findall(r"\]\((.+?)\)", (html / "llms.txt").read_text())
    assert links == site.list_pages() and all((html / link).is_file() for link in links)
    fetched = r'(?:src|rel="stylesheet" href)="(?:https?:)?//'
    assert not re.findall(fetched, (html / "index.html").read_text())  # from elsewhere
    assert "landmarks_predictor_ready" in (html / "search/search_index.json").read_text()


def test_the_reference_has_the_clients_functions_and_the_models_keys(html):
    client, model = ((html / f"reference/{name}.html").read_text() for name in ("client", "model"))
    for name in ("locate_many", "Point", "to_dataframe"):
        assert name in client
    assert "level_eyes" in model and "Whether the square is rotated" in model


def test_a_release_keeps_the_pages_of_the_last(python, html, tmp_path):
    """As .github/workflows/release.yml does, in a repository of its own."""
    env = {"PATH": f"{python.parent}:{os.defpath}", "HOME": str(tmp_path)}
    run = functools.partial(environment.run, cwd=tmp_path, env=env)
    run("git", "init", "--quiet")
    for key, value in (("user.name", "release"), ("user.email", "release@example.com")):
        run("git", "config", key, value)
    run("git", "commit", "--quiet", "--allow-empty", "--message", "release")
    for version in ("0.3.0", "0.4.0"):
        run("mike", "deploy", "-F", site.CONFIG, "--update-aliases", version, "latest")
    versions = json.loads(run("git", "show", "gh-pages:versions.json"))
    found = {row["version"]: row["aliases"] for row in versions}
    assert found == {"0.4.0": ["latest"], "0.3.0": []}
    assert "docs" in run("git", "ls-tree", "--name-only", "gh-pages:0.3.0").split()


def test_the_list_has_every_package_that_the_image_installs():
    """Of the larger one: test_house.py holds that the other has no package more."""
    done = environment.end("make", "sbom", "IMAGES=transformer", timeout=900)
    if "registry" in done.stderr:
        pytest.skip("the package registry cannot be reached")
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads((ROOT / "out/landmarks-transformer.cdx.json").read_text())
    found = {entry["name"].lower().replace("_", "-") for entry in content["components"]}
    assert set(read_requirements("transformer")) <= found
    assert "pip" not in found and content["metadata"]["component"]["name"] == "landmarks"
