"""A predictor whose numbers are wrong does not become ready."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from predictor.engines.eager import EagerEngine
from predictor.engines.golden import GoldenError, load_face
from predictor.golden import check_engine, golden_path

MODEL = Path("models/simple_unet.pth")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for path in (MODEL, golden_path(MODEL)):
        shutil.copy(path, tmp_path)
    return tmp_path / MODEL.name


def test_the_stored_answer_is_the_reference_engines():
    distance = check_engine(EagerEngine(MODEL), MODEL)
    assert distance is not None


def test_a_moved_landmark_is_noticed(copy: Path):
    golden = json.loads(golden_path(copy).read_text())
    golden["landmarks"][3][0] += 2
    golden_path(copy).write_text(json.dumps(golden))
    with pytest.raises(GoldenError, match=r"2\.00 pixels"):
        check_engine(EagerEngine(copy), copy)


def test_broken_numbers_are_noticed(copy: Path):
    engine = EagerEngine(copy)
    engine.predict = lambda faces: (np.full((1, 15, 2), np.nan), None)  # type: ignore
    with pytest.raises(GoldenError):
        check_engine(engine, copy)


def test_an_answer_of_another_checkpoint_is_refused(copy: Path):
    golden = json.loads(golden_path(copy).read_text())
    golden_path(copy).write_text(json.dumps(golden | {"sha256": "0" * 64}))
    with pytest.raises(GoldenError, match="another checkpoint"):
        check_engine(EagerEngine(copy), copy)


def test_the_golden_face_is_a_real_face():
    face = load_face(96)
    assert face.shape == (1, 1, 96, 96) and face.dtype == np.uint8
    landmarks, scores = EagerEngine(MODEL).predict(face)
    left_eye, right_eye, nose, lip = landmarks[0][[0, 1, 10, 14]]
    assert right_eye[0] < nose[0] < left_eye[0]  # the subject's left is the viewer's right
    assert max(left_eye[1], right_eye[1]) < nose[1] < lip[1]
    assert scores.min() > 0.3
