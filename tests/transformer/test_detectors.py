"""Both ways to run YuNet find the same boxes, whatever the picture's size."""

import numpy as np
import pytest

from tools.processes import ROOT
from transformer.detectors import DetectorError, find_kind, load_detector
from transformer.detectors.yunet import YuNet
from transformer.picture import open_picture

PATH = ROOT / "models/detector/face_detection_yunet_2023mar.onnx"


@pytest.mark.parametrize("side", [640, 500, 333])
def test_openvino_finds_what_opencv_finds(astronaut, side):
    pytest.importorskip("openvino")
    if not PATH.is_file():
        pytest.skip("YuNet could not be fetched")
    ours = load_detector(PATH, side, 0.3)
    assert type(ours).__name__ == "YuNetOpenVino"
    pixels = open_picture(astronaut, 10**7, side).small
    for picture in (pixels, pixels[:, :300], np.concatenate([pixels, pixels], axis=1)):
        boxes, scores = ours.detect(picture)
        wanted, their_scores = YuNet(PATH, side, 0.3).detect(picture)
        np.testing.assert_allclose(boxes, wanted, atol=0.1)
        np.testing.assert_allclose(scores, their_scores, atol=1e-3)
        assert len(boxes)


def test_a_picture_without_a_face(astronaut):
    if not PATH.is_file():
        pytest.skip("YuNet could not be fetched")
    boxes, scores = load_detector(PATH, 640, 0.6).detect(np.zeros((100, 150, 3), np.uint8))
    assert boxes.shape == (0, 4) and scores.shape == (0,)


def test_a_file_that_is_none(tmp_path):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(DetectorError, match="yunet"):
        load_detector(path, 640, 0.6)
    with pytest.raises(DetectorError, match="neither"):
        find_kind(tmp_path / "other.onnx")
