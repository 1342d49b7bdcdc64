"""Every engine finds what the reference finds, within a bound stated here."""

from pathlib import Path

import numpy as np
import pytest
import torch

from predictor.checkpoint import load_unet
from predictor.convert.artifact import convert
from predictor.decode import Reader
from predictor.engines import Engine, load_engine
from predictor.engines.artifact import load_artifact
from predictor.engines.hardware import has_gpu
from predictor.folder import find_source

# Pixels of the 96x96 face for 98 landmarks in 100: fp32 in another order; bf16 and int8.
# The mean is below a third of it. The others sit on flat peaks, where rounding picks
# the neighbouring pixel: within 1.
EXACT, ROUNDED, FLAT = 0.01, 0.3, 1.0
BOUNDS = {
    "onnxruntime": EXACT,
    "openvino": EXACT,
    "openvino-bf16": ROUNDED,
    "openvino-int8": ROUNDED,
}
MADE = ("openvino", "onnxruntime")  # of the checkpoint, here


@pytest.fixture(scope="module")
def artifacts(checkpoint: Path, int8: Path, tmp_path_factory: pytest.TempPathFactory):
    folder, source = tmp_path_factory.mktemp("made"), find_source(checkpoint)
    made = {name: convert(source, folder / name, engine=name)[0] for name in MADE}
    return made | {"openvino-bf16": made["openvino"], "openvino-int8": int8}


@pytest.fixture(scope="module", params=BOUNDS)
def engine(request: pytest.FixtureRequest, artifacts: dict[str, Path]) -> Engine:
    return load_artifact(artifacts[request.param], "", request.param)


@pytest.fixture(scope="module")
def wanted(checkpoint: Path, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        maps = load_unet(checkpoint)(torch.from_numpy(crops).float() / 255).numpy()
    return Reader().read_points(maps, (96, 96))


def test_landmarks_are_the_references(engine: Engine, crops, wanted):
    points, scores = engine.predict(crops)  # more faces than one run takes
    assert points.shape == (12, 15, 2) and scores.shape == (12, 15)
    moved = np.linalg.norm(points - wanted[0], axis=2)
    bound = BOUNDS[engine.name]
    assert np.quantile(moved, 0.98) < bound and moved.mean() < bound / 3
    assert moved.max() < (bound if bound == EXACT else FLAT)
    assert abs(scores - wanted[1]).max() < 0.1
    assert np.isfinite(engine.predict(np.zeros_like(crops))[0]).all()  # of black faces


def test_a_face_alone_gets_the_answer_it_gets_in_a_batch(engine: Engine, crops):
    together = engine.predict(crops[:5])[0]
    for i in range(5):
        alone = engine.predict(crops[i : i + 1])[0][0]
        moved = np.linalg.norm(alone - together[i], axis=1)
        assert moved.mean() < BOUNDS[engine.name] / 3


def test_heatmaps_decode_to_the_same_landmarks_and_stay(engine: Engine, crops):
    maps = engine.run(crops[:3])
    kept = maps.copy()
    points, _ = engine.predict(crops[:3])
    assert maps.shape == (3, 15, 96, 96) and maps.dtype == np.float32
    assert np.array_equal(maps, kept)  # a later run writes elsewhere
    found = engine.reader.read_points(maps, engine.size)[0]
    assert np.linalg.norm(found - points, axis=2).max() < 1e-3


def test_fp32_faces_get_the_answer_of_the_same_bytes(engine: Engine, crops):
    faces = crops[:4].astype(np.float32) / 255
    faces.setflags(write=False)  # as they come out of a request
    moved = np.linalg.norm(engine.predict(faces)[0] - engine.predict(crops[:4])[0], axis=2)
    assert moved.max() < 1e-3


def test_fp32_faces_are_not_rounded_to_bytes(engine: Engine, crops):
    face = crops[:1].astype(np.float32) / 255
    between = face * 0.999  # less than half a byte's step everywhere
    assert abs(engine.run(between) - engine.run(face)).max() > 0


@pytest.mark.skipif(not has_gpu(), reason="there is no NVIDIA GPU")
@pytest.mark.parametrize("faces", [1, 7, 64])
def test_an_engine_on_the_gpu_answers_as_the_cpu_does(faces: int, crops: np.ndarray):
    model = Path("models/simple_unet.pth")
    some = np.resize(crops, (faces, *crops.shape[1:]))  # [N, 1, 96, 96]
    points, scores = load_engine("onnxruntime", model).predict(some)
    wanted = load_engine("openvino", model).predict(some)
    assert np.linalg.norm(points - wanted[0], axis=2).max() < 0.05  # pixels of the face
    assert abs(scores - wanted[1]).max() < 0.01
