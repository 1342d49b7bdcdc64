"""What the pages tell a reader to send is answered as it stands there; the notebook runs."""

import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.environment import run
from tests.tools.test_readme import SHELL
from tools.processes import ROOT

ASKS = ("curl ", "python -m client ")
BLOCKS = [
    block
    for block in SHELL
    if block.values[0] in ("README.md", "docs/api.md", "docs/clients.md")
    and any(ask in block.values[1] for ask in ASKS)
]
assert len(BLOCKS) > 5


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize(("page", "block"), BLOCKS)
def test_a_block_is_answered(page, block, predictor, transformer, tmp_path):
    for written, here in {
        "127.0.0.1:8080": f"127.0.0.1:{transformer.rest}",
        "127.0.0.1:8081": f"127.0.0.1:{transformer.grpc}",
        "127.0.0.1:8082": f"127.0.0.1:{predictor.rest}",
        ".venv/bin/python": sys.executable,
        "-m client ": f"-m client --url http://127.0.0.1:{transformer.rest} ",
        "/tmp/": f"{tmp_path}/",
        " out/": f" {tmp_path}/",
        "curl ": "curl --fail-with-body --silent --show-error --noproxy '*' ",
    }.items():
        block = block.replace(written, here)
    told = run("bash", "-euo", "pipefail", input=block)
    assert "landmarks" in told or "nose_tip" in told


NOTEBOOK = ROOT / "docs/landmarks.ipynb"


@pytest.mark.parametrize("folder", ["docs", "."])
def test_the_notebook_runs(transformer, tmp_path: Path, monkeypatch, folder):
    (tmp_path / "landmarks_client").symlink_to(ROOT / "client")  # as pip would install it
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("LANDMARKS_URL", transformer.url)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(NOTEBOOK, 4)
    nbformat.validate(notebook)
    resources = {"metadata": {"path": str(ROOT / folder)}}
    NotebookClient(
        notebook, timeout=120, startup_timeout=180, kernel_name="python3", resources=resources
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    assert "1 face, face_score" in text and "the nose's tip: Point(name='nose_tip'" in text
    assert "512 x 512: the face is" in text
    shown = [kind for output in outputs for kind in output.get("data", {})]
    assert "image/png" in shown and "text/html" in shown


def test_the_notebook_is_kept_without_its_outputs():
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if "outputs" in cell]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
