"""The report's measures on cases whose answer is known."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.evaluate import Errors
from training.faces import CROP, SIDE, FaceDataset
from training.measure.cuts import Cut, measure_cuts, summarise
from training.measure.others import find_teacher, measure_five
from training.measure.ranking import INNER_BROWS, measure_auroc, rank_points
from training.measure.whole_way import go_whole_way
from training.yunet import Found


def test_auroc() -> None:
    assert measure_auroc(np.array([0.9, 0.8, 0.2]), np.array([0, 0, 1])) == 1
    assert measure_auroc(np.array([0.2, 0.8, 0.9]), np.array([0, 0, 1])) == 0
    assert measure_auroc(np.array([0.5, 0.5]), np.array([0, 1])) == 0.5
    assert np.isnan(measure_auroc(np.array([0.5]), np.array([1])))


def test_inner_brows_are_left_out() -> None:
    each, scores = np.zeros((4, 15)), np.full((4, 15), 0.9)
    each[:, INNER_BROWS], each[:, 14], scores[:, 14] = 0.2, 0.2, 0.1
    every, rest = rank_points(each, scores)
    assert rest == 1 and every < 0.7


def test_every_face_falls_in_one_class() -> None:
    values = np.array([0.0, 0.1, 0.15, 0.2, 5.0])
    classes = dict(Cut("x", (0.1, 0.2)).split(values))
    assert list(classes) == ["< 0.1", "0.1-0.2", "> 0.2"]
    np.testing.assert_array_equal(sum(m.astype(int) for m in classes.values()), 1)


def test_cuts_measure_yaw_roll_and_mouth() -> None:
    points = np.zeros((1, 15, 2))
    points[0, [3, 5]] = (100, 100), (0, 0)  # a roll of 45 degrees
    points[0, 10] = (70, 70)
    points[0, [11, 12, 13, 14]] = (80, 0), (40, 0), (60, 0), (60, 10)
    yaw, roll, mouth = (values[0] for _, values in measure_cuts(points))
    assert (yaw, roll, mouth) == pytest.approx((0.2, 45, 0.25))


def test_a_summary_counts_faces_that_are_off() -> None:
    each = np.full((10, 15), 0.02)
    each[0] = 0.5
    assert summarise(Errors(each)) == "10 | 6.80 | 2.00 | 28.40 | 10.0"


def test_five_points_are_measured_where_they_belong(tmp_path: Path) -> None:
    truth = np.random.default_rng(0).uniform(0, 100, (2, 15, 2))
    found = truth[:, [1, 0, 10, 12, 11]] + (3, 4)
    apart = np.linalg.norm(truth[:, 3] - truth[:, 5], axis=1)
    np.testing.assert_allclose(measure_five(found, truth).faces, 5 / apart)
    file = tmp_path / "l.npz"
    np.savez(file, paths=["b"], points=truth[:1])
    names = np.array(["a", "b"])
    faces = FaceDataset(np.zeros((2, 1, 1, 3)), truth, truth, names, names, names)
    teacher = find_teacher(str(file), faces)
    assert np.isnan(teacher[0]).all() and np.allclose(teacher[1], truth[0])


class Middle:
    """Stand in for YuNet: a box about the spot's half of the picture, none in the dark."""

    def detect(self, picture):
        far = Found(np.array([0.0, 0, 20, 20]), np.zeros((5, 2)), 0.9)
        near = Found(np.array([70.0, 80, 190, 200]), np.full((5, 2), 120.0), 0.8)
        return [far, near] if picture.any() else []


def test_the_whole_way_comes_back_to_the_pictures_pixels() -> None:
    pictures = np.zeros((2, CROP, CROP, 3), np.uint8)
    cv2.circle(pictures[0], (120, 150), 4, (255, 255, 255), -1)
    blank = np.array(["", ""])
    faces = FaceDataset(pictures, np.zeros((2, 15, 2)), np.zeros((2, 5, 2)), blank, blank, blank)

    def locate(inputs):
        y, x = np.mgrid[:SIDE, :SIDE]
        light = inputs[:, 0].astype(float)
        spot = np.stack([(x * light).sum((1, 2)), (y * light).sum((1, 2))], -1)
        spot = spot / light.sum((1, 2))[:, None]
        return np.repeat(spot[:, None], 15, 1).astype(np.float32), np.ones((len(inputs), 15))

    whole = go_whole_way(locate, Middle(), faces)  # type: ignore[arg-type]
    np.testing.assert_allclose(whole.points[0], np.full((15, 2), (120, 150)), atol=0.1)
    assert np.isnan(whole.points[1]).all() and np.isnan(whole.scores[1]).all()
