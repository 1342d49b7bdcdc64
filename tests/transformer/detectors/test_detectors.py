"""Both detectors find through OpenVINO what OpenCV finds, whatever the picture's size."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from serving.errors import OutOfMemory
from serving.telemetry import metrics
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
    used = load_detector(path)
    big = np.full((320, 320, 3), 255, np.uint8)
    small = pictures[0][:300, 100:400]
    used.search(big, 0.3)
    for found, wanted in zip(
        used.search(small, 0.3), load_detector(path).search(small, 0.3), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


def test_what_was_found_stays_when_the_next_picture_comes(path, pictures):
    detector = load_detector(path)
    boxes, scores = detector.search(pictures[0], 0.3)
    kept = boxes.copy(), scores.copy()
    detector.search(np.zeros_like(pictures[0]), 0.3)
    np.testing.assert_array_equal(boxes, kept[0])
    np.testing.assert_array_equal(scores, kept[1])


def test_a_picture_without_a_face(path):
    boxes, scores = load_detector(path).search(np.zeros((100, 150, 3), np.uint8), 0.3)
    assert boxes.shape == (0, 4) and scores.shape == (0,)


def test_a_file_that_is_none(tmp_path):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(DetectorError, match="yunet"):
        load_detector(path)
    with pytest.raises(DetectorError, match="neither yunet nor centerface"):
        load_detector(tmp_path / "other.onnx")


def test_a_file_cut_short_or_of_the_other_detector_is_refused(path, tmp_path):
    cut, renamed = tmp_path / path.name, tmp_path / "other"
    cut.write_bytes(path.read_bytes()[:-20_000])
    renamed.mkdir()
    other = next(name for name in FILES if name not in path.name)
    (renamed / f"{other}.onnx").write_bytes(path.read_bytes())
    for file in (cut, renamed / f"{other}.onnx"):
        with pytest.raises(DetectorError, match="cannot be read as the detector it is named after"):
            load_detector(file)


def test_without_openvino_the_transformer_says_so_and_does_not_start(path):
    program = (
        "import sys; sys.modules['openvino'] = None; import transformer.__main__ as m; m.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert "openvino" in last and "requirements/transformer.txt" in last


@pytest.mark.parametrize("features, wanted", [(["FP32", "BF16"], "bf16"), (["FP32"], "f32")])
def test_bf16_only_where_the_cpu_multiplies_it(features, wanted):
    class Core:
        def get_property(self, device: str, name: str) -> list[str]:
            return features

    assert choose_precision(Core()) == wanted


def test_a_detector_says_what_it_really_computes_in(path):
    kind = find_kind(path)
    assert issubclass(kind, NetworkDetector)
    assert kind(path, precision="f32").precision == "f32"
    assert load_detector(path).precision in ("f32", "bf16")
    assert load_detector(path).runtime.startswith("OpenVINO 2")


def test_of_overlapping_boxes_the_best_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30], [8, 8, 18, 18]], np.float32)
    kept, scores = keep_best(boxes, np.array([0.5, 0.9, 0.4, 0.7], np.float32))
    np.testing.assert_array_equal(kept, boxes[[1, 3, 2]])
    np.testing.assert_allclose(scores, [0.9, 0.7, 0.4])


async def test_the_service_tells_what_runs_its_detector(path):
    model = Transformer(
        "unet",
        TransformerSettings(detector=path, workers=1),
        GrpcBackend("localhost"),
    )
    model.load()
    labels = {"detector": find_kind(path).name, "runtime": model.finder.first.runtime}
    (metric,) = metrics.DETECTOR.collect()
    found = [sample.labels for sample in metric.samples if sample.value]
    assert labels | {"precision": model.finder.first.precision} in found
    await model.close()


def test_the_detector_loaded_at_start_is_the_first_workers(path):
    """None stays behind in a thread that finds no faces."""
    finder = FaceFinder(TransformerSettings(detector=path))
    with ThreadPoolExecutor(1) as worker:
        assert worker.submit(lambda: finder.detector).result() is finder.first
    assert finder.detector is not finder.first


def test_a_thread_that_has_no_room_for_a_detector_says_so(path, monkeypatch):
    finder = FaceFinder(TransformerSettings(detector=path))
    assert finder.detector is finder.first

    def fail(*_):
        raise DetectorError("no room")

    monkeypatch.setattr("transformer.faces.load_detector", fail)
    with ThreadPoolExecutor(1) as pool, pytest.raises(OutOfMemory):
        pool.submit(lambda: finder.detector).result()
