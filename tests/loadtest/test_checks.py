"""What is wrong with answers, and what a run was, in figures: steps, levels and thresholds."""

import argparse

import numpy as np
import pytest
from locust.stats import RequestStats  # unpatched: tests/conftest.py

from loadtest.checks import check_answer, check_faces
from loadtest.pictures import Known, make_group, make_portrait, make_row
from loadtest.setup import find_reasons
from loadtest.steps import Level, find_target, read_steps

POINTS = 15


def make_answer(pictures: list[Known]) -> dict[str, np.ndarray]:
    points, boxes, index = [], [], []
    for number, picture in enumerate(pictures):
        assert picture.eyes is not None
        for left, right in picture.eyes:
            centre, apart = (left + right) / 2, np.linalg.norm(left - right)
            face = np.tile(centre, (POINTS, 1))
            face[:2] = left, right
            points.append(face)
            boxes.append([*(centre - 1.5 * apart), *(centre + 1.5 * apart)])
            index.append(number)
    return {
        "landmarks": np.array(points, np.float32),
        "boxes": np.array(boxes, np.float32),
        "image_index": np.array(index, np.int32),
    }


def test_a_face_of_another_picture_is_told_and_the_order_of_faces_is_free():
    row, group = make_row(), make_group()
    answer = make_answer(row)
    assert check_answer(answer, row, POINTS) == ""
    answer["image_index"] = len(row) - 1 - answer["image_index"]
    assert check_answer(answer, row, POINTS).startswith("picture 0:")
    answer = {name: array[::-1] for name, array in make_answer([group]).items()}
    assert check_answer(answer, [group], POINTS) == ""


def mirror(answer: dict[str, np.ndarray]) -> None:
    answer["landmarks"][:, :2] = answer["landmarks"][:, 1::-1]  # left is right


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda answer: answer["landmarks"].__iadd__(300), "outside its box"),
        (lambda answer: answer["landmarks"][:, :2].__iadd__(15), "has its eyes"),
        (lambda answer: answer["landmarks"][:, :2].__isub__(15), "has its eyes"),
        (mirror, "has its eyes"),
        (lambda answer: answer["landmarks"].fill(np.nan), "not a number"),
        (lambda answer: answer.update(landmarks=answer["landmarks"][:, :14]), "shape"),
        (lambda answer: answer.update(boxes=answer["boxes"][:0]), "boxes"),
        (lambda answer: answer["image_index"].fill(1), "image_index"),
        (
            lambda answer: answer.update({k: v[:0] for k, v in answer.items()}),
            "0 faces instead of 1",
        ),
    ],
)
def test_a_wrong_value_is_told(spoil, said: str):
    portrait = make_portrait()
    answer = make_answer([portrait])
    spoil(answer)
    assert said in check_answer(answer, [portrait], POINTS)


@pytest.mark.parametrize("place", [-3.0, 96.0, np.nan])
def test_a_predictor_s_point_beside_its_face_is_told(place: float):
    outputs = {"landmarks": np.full((1, POINTS, 2), 40.0), "scores": np.ones((1, POINTS))}
    assert check_faces(outputs, 1, POINTS, 96) == ""
    outputs["landmarks"][0, 3, 1] = place
    assert "outside" in check_faces(outputs, 1, POINTS, 96)


NONE = {"max_failures": 0.0, "max_p99": 0.0, "min_rps": 0.0}


def make_total(times: list[int], failures: int = 0):
    """Make the statistics of requests that came over ten seconds."""
    stats = RequestStats()
    for took in times:
        stats.log_request("POST", "x", took, 1)
    for _ in range(failures):
        stats.log_error("POST", "x", "no")
    stats.total.start_time, stats.total.last_request_timestamp = 100.0, 110.0
    return stats.total


@pytest.mark.parametrize(
    "options, said",
    [
        ({}, ["3 of 100 requests failed"]),
        ({"max_failures": 0.1, "max_p99": 600.0, "min_rps": 9.0}, []),
        ({"max_failures": 0.1, "max_p99": 400.0}, ["p99 is 500 ms, above 400 ms"]),
        ({"max_failures": 0.1, "min_rps": 9.8}, ["9.7 requests per second, below 9.8"]),
    ],
)
def test_thresholds(options: dict, said: list[str]):
    """Failures count by their share, and not as answers."""
    total = make_total([100] * 97 + [500] * 3, failures=3)
    assert find_reasons(total, argparse.Namespace(**NONE | options)) == said


def test_a_run_without_requests_is_no_success():
    assert find_reasons(make_total([]), argparse.Namespace(**NONE)) == ["no request was made"]


@pytest.mark.parametrize("text", ["", "1", "1:", "x:3", "0:3", "1:0", "1:-2", "1:2;3:4", "1:nan"])
def test_bad_steps_get_a_sentence(text: str):
    with pytest.raises(ValueError, match="--steps"):
        read_steps(text)


def test_the_target_is_the_lowest_level_with_nearly_the_best_throughput():
    speeds = {1: 25.0, 2: 27.5, 4: 28.2, 8: 27.0}
    levels = [Level(users, rps, 1, 1, 1) for users, rps in speeds.items()]
    assert find_target(levels) == 2
