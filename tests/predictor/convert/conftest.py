"""Model folders made for a test, and their author's own answers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from predictor.convert.artifact import convert
from predictor.convert.faces import vary_face
from predictor.engines import Engine
from predictor.engines.artifact import load_artifact
from predictor.folder import find_source
from tests.predictor.convert import zoo

ZOO = Path(zoo.__file__)
MakeFolder = Callable[..., Path]


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Put zoo.py as model.py, a network's checkpoint and a model.json into a folder."""

    def make(net: torch.nn.Module, **declared: Any) -> Path:
        folder = tmp_path / "mine"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(ZOO, folder / "model.py")
        torch.save(net.state_dict(), folder / "simple_unet.pth")
        declared = {"network": f"model.py:{type(net).__name__}", **declared}
        (folder / "model.json").write_text(json.dumps(declared))
        return folder

    return make


def bring(folder: Path, engine: str = "openvino") -> Engine:
    source = find_source(folder)
    out, _ = convert(source, source.artifact, engine=engine)
    return load_artifact(out, source.digest(), engine)


def ask(net: torch.nn.Module, faces: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        found = [net(torch.from_numpy(face[None])) for face in faces]
    if isinstance(found[0], list | tuple):
        found = [row[-1] for row in found]
    if isinstance(found[0], dict):
        found = [row["heatmaps"] for row in found]
    values = torch.cat(found).numpy()
    return values[:, -1] if values.ndim == 5 else values


def measure_distance(engine: Engine, net: torch.nn.Module, prepare=lambda faces: faces) -> float:
    """Return how far an engine's points lie from those read off the author's own heatmaps.

    The values are the author's first. An untrained network's maps may have two highest pixels,
    of which rounding picks one: so a point in fifty may be elsewhere.
    """
    faces = vary_face(engine.size, engine.channels, 6)
    values = ask(net, prepare(faces))
    assert np.abs(engine.run(faces) - values).max() < 1e-3 * np.abs(values).max()
    wanted, _ = engine.reader.read_points(values, engine.size)
    moved = np.linalg.norm(engine.predict(faces)[0] - wanted, axis=2)
    return float(np.quantile(moved, 0.98))
