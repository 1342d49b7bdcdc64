"""Answers that look right in shape and are wrong in value are told."""

import json

import numpy as np
import pytest

from loadtest.bodies import check_refusal, read_outputs, write_binary
from loadtest.checks import Memory, check_answer, check_faces
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


@pytest.fixture(scope="module")
def row() -> list[Known]:
    return make_row()


def test_a_right_answer_is_right(row: list[Known]):
    assert check_answer(make_answer(row), row, POINTS, Memory()) == ""


def test_the_order_of_the_faces_is_free():
    group = make_group()
    answer = {name: array[::-1] for name, array in make_answer([group]).items()}
    assert check_answer(answer, [group], POINTS, Memory()) == ""


def test_a_face_of_another_picture_is_told(row: list[Known]):
    answer = make_answer(row)
    answer["image_index"] = len(row) - 1 - answer["image_index"]
    assert check_answer(answer, row, POINTS, Memory()).startswith("picture 0:")


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda answer: answer["landmarks"].__iadd__(300), "outside its box"),
        (lambda answer: answer["landmarks"][:, :2].__iadd__(15), "has its eyes"),
        (lambda answer: answer["landmarks"][:, :2].__isub__(15), "has its eyes"),
        (lambda answer: answer["landmarks"].fill(np.nan), "no number"),
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
    assert said in check_answer(answer, [portrait], POINTS, Memory())


def test_a_mirrored_answer_is_told():
    portrait = make_portrait()
    answer = make_answer([portrait])
    answer["landmarks"][:, :2] = answer["landmarks"][:, 1::-1]  # left is right
    assert "has its eyes" in check_answer(answer, [portrait], POINTS, Memory())


def test_an_unknown_picture_must_be_answered_alike_each_time():
    known = make_portrait()
    picture, memory, answer = Known(known.content), Memory(), make_answer([known])
    assert check_answer(answer, [picture], POINTS, memory) == ""
    answer["landmarks"] = answer["landmarks"] + 2
    assert check_answer(answer, [picture], POINTS, memory) == ""
    answer["landmarks"] = answer["landmarks"] + 15
    assert "from where they were" in check_answer(answer, [picture], POINTS, memory)


def test_an_unknown_picture_needs_a_face_only_where_one_is_known_to_be():
    known = make_portrait()
    none = {name: array[:0] for name, array in make_answer([known]).items()}
    assert "0 faces" in check_answer(none, [Known(b"one")], POINTS, Memory())
    assert check_answer(none, [Known(b"one")], POINTS, Memory(), least=0) == ""


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


def test_binary_answers_are_read_as_json_ones_are():
    given = np.arange(8, dtype=np.float32).reshape(1, 4, 2)
    output = {"name": "landmarks", "datatype": "FP32", "shape": [1, 4, 2]}
    plain = json.dumps({"outputs": [output | {"data": given.ravel().tolist()}]}).encode()
    entry = output | {"parameters": {"binary_data_size": given.nbytes}}
    head = json.dumps({"outputs": [entry]}).encode()
    binary = read_outputs(
        head + given.tobytes(), {"Inference-Header-Content-Length": str(len(head))}
    )
    assert np.array_equal(read_outputs(plain, {})["landmarks"], given)
    assert np.array_equal(binary["landmarks"], given)


def test_binary_requests_tell_the_length_of_their_json():
    body = write_binary([Known(b"abc"), Known(b"de")])
    length = int(body.headers["Inference-Header-Content-Length"])
    assert json.loads(body.content[:length])["inputs"][0]["shape"] == [2]
    assert body.content[length:] == b"\x03\0\0\0abc\x02\0\0\0de"


@pytest.mark.parametrize(
    "status, content, said",
    [
        (400, b'{"error": "why", "code": "invalid"}', ""),
        (200, b"{}", "200 to a bad request"),
        (500, b'{"error": "why", "code": "internal"}', "500 to a bad request"),
        (429, b'{"error": "why", "code": "overloaded"}', "429 to a bad request"),
        (400, b"<html>", "doesn't say"),
        (400, b'{"detail": "why"}', "doesn't say"),
        (400, b"[]", "doesn't say"),
    ],
)
def test_a_refusal_must_be_a_4xx_that_says_why(status: int, content: bytes, said: str):
    found = check_refusal(status, content)
    assert said in found and bool(found) == bool(said)
