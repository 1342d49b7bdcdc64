"""Every engine finds what the reference finds; what is picked, what is refused, in which words."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from predictor.checkpoint import load_unet
from predictor.convert.artifact import convert
from predictor.convert.faces import vary_face
from predictor.declaration import DeclarationError
from predictor.decode import Reader
from predictor.engines import Engine, EngineError, choice, load_engine
from predictor.engines.artifact import load_artifact
from predictor.engines.golden import GOLDEN_FACE
from predictor.folder import find_source
from predictor.manifest import read_manifest, write_manifest
from tests.support.environment import run

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="session")
def crops() -> np.ndarray:
    """Twelve views `[12,1,96,96]` UINT8 of one face: shifted, zoomed, lit."""
    return np.rint(255 * vary_face((96, 96), 1, 12)).astype(np.uint8)


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    return MODELS / "simple_unet.pth"


@pytest.fixture(scope="session")
def int8() -> Path:
    return MODELS / "unet-int8"


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


@pytest.mark.skipif(not choice.has_gpu(), reason="there is no NVIDIA GPU")
@pytest.mark.parametrize("faces", [1, 7, 64])
def test_an_engine_on_the_gpu_answers_as_the_cpu_does(faces: int, crops: np.ndarray):
    model = Path("models/simple_unet.pth")
    some = np.resize(crops, (faces, *crops.shape[1:]))  # [N, 1, 96, 96]
    points, scores = load_engine("onnxruntime", model).predict(some)
    wanted = load_engine("openvino", model).predict(some)
    assert np.linalg.norm(points - wanted[0], axis=2).max() < 0.05  # pixels of the face
    assert abs(scores - wanted[1]).max() < 0.01


REBUILD = r"python -m predictor\.convert models/simple_unet\.pth --calibrate FACES"


@pytest.fixture
def copy(int8: Path, checkpoint: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A checkpoint and its artifact that a test may break."""
    shutil.copy(checkpoint, tmp_path)
    shutil.copytree(int8, tmp_path / "unet-int8")
    return tmp_path / checkpoint.name, tmp_path / "unet-int8"


def change(folder: Path, **values: object) -> None:
    write_manifest(folder, read_manifest(folder).model_copy(update=values))


def truncate(folder: Path) -> None:
    data = (folder / "unet.bin").read_bytes()
    (folder / "unet.bin").write_bytes(data[: len(data) // 2])


def move_golden(folder: Path) -> None:
    golden = read_manifest(folder).golden
    change(folder, golden=((golden[0][0] + 2, golden[0][1]), *golden[1:]))


BREAKS = {
    "truncated or changed": truncate,
    "is missing": lambda folder: (folder / "unet.bin").unlink(),
    "has no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "other files than are there now": lambda folder: change(folder, source_sha256="0" * 64),
    "made by openvino 2019.1": lambda folder: change(folder, versions={"openvino": "2019.1"}),
    "from the author's": move_golden,
}


@pytest.mark.parametrize("words", BREAKS)
def test_a_broken_artifact_is_refused_with_the_command_to_rebuild_it(copy, words: str):
    checkpoint, folder = copy
    BREAKS[words](folder)
    with pytest.raises(EngineError, match=words) as caught:
        load_engine("openvino-int8", checkpoint, folder)
    if (folder / "manifest.json").is_file() and words not in ("truncated or changed", "is missing"):
        caught.match(REBUILD)


def test_auto_converts_what_has_no_artifact_once(copy, caplog):
    """In a process of its own; the next start takes what the first one made."""
    caplog.set_level("INFO")
    checkpoint, folder = copy
    truncate(folder)
    engine = load_engine("auto", checkpoint)
    assert engine.name in ("openvino", "openvino-bf16") and engine.distance < 1
    assert "openvino-int8 not taken" in caplog.text and "comes without code" in caplog.text
    caplog.clear()
    shutil.rmtree(folder)
    assert load_engine("auto", checkpoint).name in ("openvino", "openvino-bf16")
    assert "converting" not in caplog.text


def test_auto_takes_int8_from_beside_the_checkpoint(copy, caplog):
    caplog.set_level("INFO")
    assert load_engine("auto", copy[0]).name == "openvino-int8"
    assert "took openvino-int8: an int8 artifact is there" in caplog.text


def test_an_artifact_serves_without_its_source(copy):
    checkpoint, folder = copy
    checkpoint.unlink()
    assert load_engine("auto", checkpoint).name == "openvino-int8"
    assert load_engine("auto", folder).name == "openvino-int8"  # the folder itself
    assert load_engine("auto", folder.parent).name == "openvino-int8"  # one that holds it


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(EngineError, match="There is no model"):
        load_engine("auto", tmp_path / "none.pth")
    with pytest.raises(EngineError, match="no engine 'magic'; there are auto, openvino-int8"):
        load_engine("magic", tmp_path / "none.pth")
    with pytest.raises(DeclarationError, match=r"has no network: put model\.py"):
        load_engine("auto", tmp_path)


def test_int8_is_made_of_faces(copy):
    shutil.rmtree(copy[1])
    with pytest.raises(EngineError, match=r"There is no int8 artifact .* --calibrate FACES"):
        load_engine("openvino-int8", copy[0])


def test_bf16_is_taken_where_the_cpu_has_it_and_the_network_bears_it(tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "has_gpu", lambda: False)
    made = tmp_path / "converted"
    made.mkdir()
    source = choice.Source(tmp_path)
    for has, bears, wanted in ((True, True, 2), (True, False, 1), (False, True, 1)):
        bf16 = str(bears).lower()
        (made / "manifest.json").write_text(f'{{"engine": "openvino", "bf16": {bf16}}}')
        monkeypatch.setattr(choice, "has_bf16", lambda has=has: has)
        names = [name for name, _, _ in choice.list_choices("auto", source, None)]
        assert names == ["openvino-bf16", "openvino"][-wanted:]


def test_the_default_engine_needs_no_torch(int8: Path, checkpoint: Path):
    """In a fresh process, where importing torch and what only converting needs fails."""
    code = f"""
import sys
for name in ("torch", "nncf", "onnx", "onnxruntime", "cv2"):
    sys.modules[name] = None
from pathlib import Path
import numpy as np
from predictor.engines import load_engine
engine = load_engine("auto", Path({str(checkpoint)!r}))
points, scores = engine.predict(np.load({str(GOLDEN_FACE)!r}))
assert engine.name == "openvino-int8" and points.shape == (1, 15, 2)
"""
    run("python", "-c", code)


def test_features_of_x86_and_arm(tmp_path: Path):
    (tmp_path / "x86").write_text("processor : 0\nflags\t\t: fpu avx512_vnni\nbogomips: 1\n")
    (tmp_path / "arm").write_text("processor : 0\nFeatures\t: asimd i8mm bf16\n")
    assert choice.list_features(tmp_path / "x86") == {"fpu", "avx512_vnni"}
    assert "i8mm" in choice.list_features(tmp_path / "arm")
    assert choice.list_features(tmp_path / "none") == frozenset()
