"""The `face` input: how many faces, of what size, with which values; and a face's score."""

import numpy as np
import pytest

from serving.errors import InvalidTensor, TooLarge
from serving.faces import check_faces, check_values, score_faces
from serving.messages import Tensor


def make_tensor(*shape: int, datatype: str = "UINT8") -> Tensor:
    return Tensor("face", datatype, np.zeros(shape, np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_either_layout_becomes_one(channels):
    for shape in ((4, channels, 80, 96), (4, 80, 96, channels)):
        assert check_faces(make_tensor(*shape), 4).shape == (4, 80, 96, channels)


def test_more_faces_than_the_limit_are_refused():
    with pytest.raises(TooLarge, match="5 faces; 1 to 4"):
        check_faces(make_tensor(5, 1, 96, 96), 4)
    with pytest.raises(InvalidTensor, match="0 faces"):
        check_faces(make_tensor(0, 1, 96, 96), 4)


def test_a_side_beyond_the_limits_is_refused():
    with pytest.raises(TooLarge):
        check_faces(make_tensor(1, 1, 96, 1025), 4)
    with pytest.raises(InvalidTensor):
        check_faces(make_tensor(1, 1, 96, 15), 4)


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf, -np.inf])
def test_floats_that_are_no_brightness_are_refused(value):
    faces = np.full((2, 96, 96, 1), 0.5, np.float32)
    check_values(faces)
    faces[1, 5, 5, 0] = value
    with pytest.raises(InvalidTensor):
        check_values(faces)


def test_a_face_is_as_good_as_its_points():
    scores = np.full((3, 15), 0.9, np.float32)
    scores[1, 4], scores[2] = 0.01, 0
    found = score_faces(scores)
    assert found.dtype == np.float32 and found[0] == pytest.approx(0.9)
    assert 0.6 < found[1] < 0.7 and 0 <= found[2] < 1e-5
    assert score_faces(np.empty((0, 15), np.float32)).shape == (0,)
