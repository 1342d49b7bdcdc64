"""MediaPipe's 478 points, served as a model folder, are what its own runtime finds."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from predictor.convert.artifact import convert
from predictor.convert.faces import read_pixels
from predictor.engines import load_engine
from predictor.folder import find_source
from tests.support.environment import make_environment, run
from tools.fetch_models import MESH, MESH_SUM

RUN = """
import sys, numpy as np
from ai_edge_litert.interpreter import Interpreter
model = Interpreter(sys.argv[1]); model.allocate_tensors()
found = []
for face in np.load(sys.argv[2]):
    model.set_tensor(model.get_input_details()[0]["index"], face[None]); model.invoke()
    outputs = [model.get_tensor(o["index"]) for o in model.get_output_details()]
    found.append(next(o for o in outputs if o.size == 1434).reshape(478, 3)[:, :2])
np.save(sys.argv[3], found)
"""


@pytest.fixture
def folder(data: Path, tmp_path: Path) -> Path:
    """The model folder with its weights, from where they lie here."""
    named = Path(os.environ.get("LANDMARKS_MESH", data.parent / "models" / MESH.name))
    weights = next((path for path in (named, MESH) if path.is_file()), None)
    if weights is None:
        pytest.skip("no weights of the mesh: make mesh, or LANDMARKS_MESH=FILE")
    folder = tmp_path / "mesh"
    folder.mkdir()
    for name in ("model.json", "face.png"):
        shutil.copy(MESH.parent / name, folder)
    shutil.copy(weights, folder / MESH.name)
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == MESH_SUM
    return folder


def test_its_points_are_those_of_its_own_runtime(data: Path, folder: Path, tmp_path: Path):
    source = find_source(folder)
    convert(source, source.artifact)
    engine = load_engine("openvino", folder)
    paths = sorted((data / "faces/composite").glob("*.jpg"))[:10]
    crops = [read_pixels(path, 3)[32:224, 32:224] for path in paths]
    faces = np.stack([cv2.resize(crop, (256, 256)) for crop in crops]).astype(np.uint8)
    points, scores = engine.predict(np.ascontiguousarray(faces.transpose(0, 3, 1, 2)))
    assert points.shape == (10, 478, 2) and scores.min() > 0.5
    python = make_environment("litert")
    np.save(tmp_path / "faces.npy", faces.astype(np.float32) / 255)
    run(python, "-c", RUN, folder / MESH.name, tmp_path / "faces.npy", tmp_path / "own.npy")
    moved = np.linalg.norm(points - np.load(tmp_path / "own.npy"), axis=2)
    print(f"mesh: {moved.max():.4f} pixels of 256 at the most")
    assert moved.max() < 0.05


def test_its_declaration_is_whole():
    declared = json.loads((MESH.parent / "model.json").read_text())
    assert len(declared["points"]) == len(set(declared["points"])) == 478
    assert len(declared["check"]["points"]) == 478 and len(declared["mirror"]) == 225
