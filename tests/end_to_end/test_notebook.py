"""The notebook runs from its first cell to its last, in its folder and in the checkout's."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tools.processes import ROOT

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
    cells = nbformat.read(NOTEBOOK, 4).cells
    assert all(
        not cell.outputs and cell.execution_count is None for cell in cells if "outputs" in cell
    )
