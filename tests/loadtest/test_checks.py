"""Answers that look right in shape and are wrong in value are told."""

import numpy as np
import pytest

from loadtest.checks import check_answer, check_faces
from loadtest.pictures import EYES, Known, make_group, make_portrait, make_row

POINTS = 15


def make_answer(pictures: list[Known]) -> dict[str, np.ndarray]:
    """Make the answer of a service that finds every known face."""
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


def test_a_picture_of_yours_needs_a_face():
    answer = make_answer([make_portrait()])
    assert check_answer(answer, [Known(b"one")], POINTS) == ""
    none = {name: array[:0] for name, array in answer.items()}
    assert "0 faces" in check_answer(none, [Known(b"one")], POINTS)


@pytest.mark.parametrize("place", [-3.0, 96.0, np.nan])
def test_a_predictor_s_point_beside_its_face_is_told(place: float):
    outputs = {"landmarks": np.full((1, POINTS, 2), 40.0), "scores": np.ones((1, POINTS))}
    assert check_faces(outputs, 1, POINTS, 96) == ""
    outputs["landmarks"][0, 3, 1] = place
    assert "outside" in check_faces(outputs, 1, POINTS, 96)


def test_the_known_faces_of_a_resized_portrait_move_along():
    eyes = make_portrait(256, 1024).eyes
    assert eyes is not None
    assert np.allclose(eyes[0], (EYES + 0.5) * (0.5, 2) - 0.5)
