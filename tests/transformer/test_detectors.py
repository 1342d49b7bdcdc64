"""Both detectors find through OpenVINO what OpenCV finds, whatever the picture's size."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from serving.errors import OutOfMemory
from serving.telemetry import metrics
from tests.support.environment import end
from tests.support.opencv_detectors import OPENCV
from tools.fetch_models import FILES
from tools.processes import ROOT
from transformer.backends.predictor_client import GrpcBackend
from transformer.detectors import DetectorError, find_kind, load_detector
from transformer.detectors.network import NetworkDetector, choose_precision, keep_best
from transformer.faces import FaceFinder
from transformer.model import Transformer
from transformer.pictures.picture import open_picture
from transformer.settings import TransformerSettings


@pytest.fixture(params=["yunet", "centerface"])
def path(request) -> Path:
    file = ROOT / "models/detector" / FILES[request.param][0]
    if not file.is_file():
        pytest.skip(f"{file.name} was not fetched")
    return file


@pytest.fixture
def pictures(astronaut) -> list[np.ndarray]:
    """One face in four sizes, none of them but the first a multiple of what networks halve."""
    pixels = open_picture(astronaut, 10**7, 640).small
    return [pixels, pixels[:, :300], np.concatenate([pixels, pixels], axis=1), pixels[:333, :287]]


def measure_overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Measure the intersection over union of boxes `[F,4]` with boxes `[F,4]`, one by one."""
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    both = np.prod(np.maximum(sides, 0), axis=1)
    areas = [np.prod(c[:, 2:] - c[:, :2], axis=1) for c in (a, b)]
    return both / (areas[0] + areas[1] - both)


@pytest.mark.parametrize("precision", ["f32", None])
@pytest.mark.parametrize("share", [1, 0.78, 0.5])
def test_openvino_finds_what_opencv_finds(path, pictures, share, precision):
    kind = find_kind(path)
    assert issubclass(kind, NetworkDetector)
    ours, theirs = kind(path, precision=precision), OPENCV[kind.name](path)
    for whole in pictures:
        picture = np.asarray(cv2.resize(whole, None, fx=share, fy=share), np.uint8)
        boxes, scores = ours.search(picture, 0.3)
        wanted, their_scores = theirs.search(picture, 0.3)
        assert len(boxes) == len(wanted) > 0
        order = [np.argsort(found[:, 0]) for found in (boxes, wanted)]  # equal faces, any order
        overlap = measure_overlap(boxes[order[0]], wanted[order[1]])
        assert overlap.min() > (0.95 if precision else 0.9)  # bf16 moves a box, its centre hardly
        np.testing.assert_allclose(scores[order[0]], their_scores[order[1]], atol=0.03)


def test_a_picture_leaves_nothing_of_itself_to_the_next(path, pictures):
    """The buffers are kept: a smaller picture in the same padded size has clean margins."""
    used, small = load_detector(path), pictures[0][:300, 100:400]
    used.search(np.full((320, 320, 3), 255, np.uint8), 0.3)
    found, alone = used.search(small, 0.3), load_detector(path).search(small, 0.3)
    kept = [part.copy() for part in found]
    boxes, scores = used.search(np.zeros((100, 150, 3), np.uint8), 0.3)  # which shows no face
    assert boxes.shape == (0, 4) and scores.shape == (0,)
    for part, wanted, before in zip(found, alone, kept, strict=True):
        np.testing.assert_array_equal(part, wanted)
        np.testing.assert_array_equal(part, before)


def test_a_file_that_is_none_or_cut_short_or_of_the_other_detector_is_refused(path, tmp_path):
    other = next(name for name in FILES if name not in path.name)
    contents = {path.name: path.read_bytes()[:-20_000], f"{other}.onnx": path.read_bytes()}
    contents |= {f"{other}-2.onnx": b"nothing", "other.onnx": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        words = "neither yunet nor centerface" if name == "other.onnx" else "cannot be read as the"
        with pytest.raises(DetectorError, match=words):
            load_detector(tmp_path / name)


def test_without_openvino_the_transformer_says_so_and_does_not_start(path):
    program = (
        "import sys; sys.modules['openvino'] = None; import transformer.__main__ as m; m.main()"
    )
    ended = end("python", "-c", program)
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert "openvino" in last and "requirements/transformer.txt" in last


@pytest.mark.parametrize("features, wanted", [(["FP32", "BF16"], "bf16"), (["FP32"], "f32")])
def test_bf16_only_where_the_cpu_multiplies_it(features, wanted):
    class Core:
        def get_property(self, device: str, name: str) -> list[str]:
            return features

    assert choose_precision(Core()) == wanted


def test_of_overlapping_boxes_the_best_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30], [8, 8, 18, 18]], np.float32)
    kept, scores = keep_best(boxes, np.array([0.5, 0.9, 0.4, 0.7], np.float32))
    np.testing.assert_array_equal(kept, boxes[[1, 3, 2]])
    np.testing.assert_allclose(scores, [0.9, 0.7, 0.4])


async def test_the_service_tells_what_runs_its_detector(path):
    settings = TransformerSettings(detector=path, workers=1)
    model = Transformer("unet", settings, GrpcBackend("localhost"))
    model.load()
    first = model.finder.first
    assert first.precision in ("f32", "bf16") and first.runtime.startswith("OpenVINO 2")
    kind = find_kind(path)
    assert issubclass(kind, NetworkDetector)
    assert kind(path, precision="f32").precision == "f32"  # what it really computes in
    labels = {"detector": first.name, "runtime": first.runtime, "precision": first.precision}
    (metric,) = metrics.DETECTOR.collect()
    assert labels in [sample.labels for sample in metric.samples if sample.value]
    await model.close()


def test_the_detector_loaded_at_start_is_the_first_workers(path, monkeypatch):
    finder = FaceFinder(TransformerSettings(detector=path))
    with ThreadPoolExecutor(1) as worker:
        assert worker.submit(lambda: finder.detector).result() is finder.first
    assert finder.detector is not finder.first
    monkeypatch.setattr("transformer.faces.load_detector", Mock(side_effect=DetectorError("full")))
    with ThreadPoolExecutor(1) as worker, pytest.raises(OutOfMemory):
        worker.submit(lambda: finder.detector).result()
