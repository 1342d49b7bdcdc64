"""The README and the other pages say what is so."""

import ast
import re
import subprocess

import pytest
import yaml

from predictor.settings import PredictorSettings
from serving.errors import CATALOGUE
from tests.client.conftest import run_script
from tools.processes import ROOT
from tools.tables import TABLES
from transformer.settings import TransformerSettings

PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "client/README.md"]
PAGES += [f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))]
# Variables of ours that are no service's setting: the client's, and where YuNet lies.
OTHER_VARIABLES = {"LANDMARKS_URL", "LANDMARKS_YUNET", "LANDMARKS_MESH"}
OLD_NAMES = {"LANDMARKS_ARTEFACT", "LANDMARKS_DETECT_SIDE", "LANDMARKS_FIRST_LOOK"}
MAKEFILES = [ROOT / "Makefile", *ROOT.glob("*/*.mk")]


def read_blocks(language: str) -> list:
    """Read the code blocks of a language of all pages, each with its page."""
    fence = re.compile(rf"^ *```{language}\n(.*?)^ *```$", re.M | re.S)
    return [
        pytest.param(page, block, id=f"{page}-{number}")
        for page in PAGES
        for number, block in enumerate(fence.findall((ROOT / page).read_text()))
    ]


SHELL, PYTHON = read_blocks("sh"), read_blocks("python")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_made_from_what_it_shows(table):
    text = (ROOT / table.page).read_text()
    assert table.fill_in(text) == text, "run: python -m tools.tables"


def test_no_table_is_written_by_hand_or_twice():
    pages = {*PAGES, *(table.page for table in TABLES)}
    text = "".join((ROOT / page).read_text() for page in pages)
    marks = re.findall(r"<!-- (.*): tools.tables writes this -->", text)
    assert sorted(marks) == sorted(table.name for table in TABLES)


def test_the_error_table_has_every_error_with_its_statuses():
    text = (ROOT / "docs/errors.md").read_text()
    rows = dict[str, tuple[str, str]]()
    for codes, http, status in re.findall(r"^\| (`[^|]+) \| (\d+) \| ([A-Z_]+) \|", text, re.M):
        rows |= dict.fromkeys(re.findall("`([a-z_]+)`", codes), (http, status))
    assert rows == {
        code: (str(kind.http_status), kind.grpc_status.name) for code, kind in CATALOGUE.items()
    }
    waits = {code for code, kind in CATALOGUE.items() if kind.retry_after is not None}
    line = next(line for line in text.splitlines() if line.startswith("- **What to try again**"))
    assert set(re.findall("`([a-z_]+)`", line)) == waits


@pytest.mark.parametrize("page", PAGES)
def test_every_file_folder_and_page_named_exists(page):
    text = (ROOT / page).read_text()
    named = re.findall(r"`(?!image/)([a-z_]+/[a-z_/.]*)`", text)
    for name in () if page == "CHANGELOG.md" else named:  # which also names what is gone
        if not name.startswith("out/") and name not in ("folder/", "drawn/"):
            assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / page).parent / name).exists(), name
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_named_is_there(page):
    fields = PredictorSettings.model_fields | TransformerSettings.model_fields
    there = {f"LANDMARKS_{name.upper()}" for name in fields} | OTHER_VARIABLES
    named = set(re.findall(r"LANDMARKS_[A-Z_]+", (ROOT / page).read_text()))
    assert named <= (there | OLD_NAMES if page == "CHANGELOG.md" else there)


@pytest.mark.parametrize(("page", "block"), SHELL)
def test_a_shell_block_can_be_run_as_it_stands(page, block):
    """Bash reads it, its make targets and Python modules exist."""
    read = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, timeout=20)
    assert read.returncode == 0 and not read.stderr, read.stderr
    lines = re.sub(r"\\\n", " ", block)
    targets = "\n".join(file.read_text() for file in MAKEFILES)
    for target in re.findall(r"^(?:[A-Z_]+=\S+ )*make ([a-z-]+)", lines, re.M):
        assert re.search(rf"^{target}( [a-z-]+)*:", targets, re.M), target
    for module in re.findall(r"python -m ([a-z_.0-9]+)", lines):
        file = ROOT / module.replace(".", "/")
        assert file.with_suffix(".py").is_file() or (file / "__main__.py").is_file(), module
    for file in re.findall(r"requirements/[a-z-]+\.txt", lines):
        assert (ROOT / file).is_file()


@pytest.mark.parametrize(("page", "block"), PYTHON)
def test_a_python_block_runs(page, block, tmp_path, monkeypatch, capsys):
    """Those of the client against a scripted service; all others in the checkout."""
    ast.parse(block)
    if "tritonclient" in block:  # tests/end_to_end/test_clients.py runs it
        return
    if "landmarks_client" not in block:
        monkeypatch.chdir(ROOT)
        exec(compile(block, page, "exec"), {})
        return
    picture = (ROOT / "tests/assets/astronaut.jpg").read_bytes()
    for name in ("photo.jpg", "a.jpg", "b.jpg", "tests/assets/astronaut.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(picture)
    monkeypatch.chdir(tmp_path)
    with run_script() as script:
        here = block.replace("landmarks_client", "client")
        here = here.replace("http://127.0.0.1:8080", script.url)
        exec(compile(here, page, "exec"), {})
        assert picture in script.seen
    assert capsys.readouterr().out


def test_what_the_hosting_site_reads_can_be_read():
    files = [*(ROOT / ".github").rglob("*.yml")]
    files += [ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"]
    assert len(files) > 4
    for file in files:
        assert isinstance(yaml.safe_load(file.read_text()), dict), file
    steps = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]["test"]
    assert {"run": ".ci/run", "env": {"PYTHON": "python"}} in steps["steps"]
