"""The face input, and a landmark set as data: what is wrong with one is told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from predictor.manifest import read_manifest
from predictor.model import count_heatmaps
from serving.errors import InvalidTensor, TooLarge
from serving.faces import check_faces, check_values, score_faces
from serving.landmarks import (
    LandmarkError,
    LandmarkSet,
    read_digest,
    read_landmarks,
    read_parameters,
    write_parameters,
)
from serving.messages import Tensor


def make_tensor(*shape: int, datatype: str = "UINT8") -> Tensor:
    return Tensor("face", datatype, np.zeros(shape, np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_either_layout_becomes_one(channels):
    for shape in ((4, channels, 80, 96), (4, 80, 96, channels)):
        assert check_faces(make_tensor(*shape), 4).shape == (4, 80, 96, channels)


@pytest.mark.parametrize(
    "shape, error, said",
    [
        ((5, 1, 96, 96), TooLarge, "5 faces; 1 to 4"),
        ((0, 1, 96, 96), InvalidTensor, "0 faces"),
        ((1, 1, 96, 1025), TooLarge, "1025"),
        ((1, 1, 96, 15), InvalidTensor, "15"),
        ((1, 2, 96, 96), InvalidTensor, r"\[1, 2, 96, 96\]; accepted is"),
        ((1, 3, 96, 3), InvalidTensor, r"\[1, 3, 96, 3\]; accepted is"),
        ((96, 96), InvalidTensor, r"UINT8 \[96, 96\]; accepted is"),
    ],
)
def test_what_is_not_a_face_is_refused(shape, error, said):
    with pytest.raises(error, match=said):
        check_faces(make_tensor(*shape), 4)


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


SMALL = {"points": ["left_eye", "right_eye", "nose"], "unit": ["left_eye", "right_eye"]}


def test_a_set_of_an_older_release_is_read():
    old = {"mirror": [], "side": 64, "crop_scale": 1.4} | SMALL
    landmarks = read_landmarks(old, "file")
    assert landmarks.side == 64 and landmarks.crop_scale == 1.4 and landmarks.channels == 1


def test_a_set_survives_the_configuration():
    landmarks = read_landmarks(SMALL | {"color": "rgb", "low": 0.4, "maps": [24, 32]}, "file")
    assert read_parameters(write_parameters(landmarks), "model") == landmarks
    assert read_parameters(write_parameters(landmarks), "model").digest == landmarks.digest


def test_a_set_of_another_release_is_known_by_the_digest_that_came_with_it():
    """One component is rolled out before the other: fields that it does not know change nothing."""
    published = write_parameters(DEFAULT) | {"of_tomorrow": "1", "digest": '"0123456789abcdef"'}
    assert read_parameters(published, "model") == DEFAULT
    assert read_digest(published) == "0123456789abcdef"
    assert read_digest({"points": "[]"}) == ""


def test_the_shipped_networks_have_the_default_set():
    for folder in ("unet-int8", "student-int8"):
        assert read_manifest(Path("models") / folder).landmarks == DEFAULT


WRONG: dict[str, dict[str, Any]] = {
    "'points': tuple should have at least 1 item": {"points": []},
    "two points have the name 'nose'": {"points": ["nose", "nose", "left_eye", "right_eye"]},
    "'chin' in .* is not one of the points": {"mirror": [["nose", "chin"]]},
    "'chin' in 'five' is not one of the points": {"five": [["nose"]] * 4 + [["nose", "chin"]]},
    "five: .*missing|field required": {"five": [["nose"]] * 4},
    "'nose' is in two mirror pairs": {"mirror": [["nose", "left_eye"], ["nose", "right_eye"]]},
    "is not a pair of two points": {"unit": ["nose", "nose"]},
    "'side': input should be a valid integer": {"side": "96"},
    "'side': input should be less than": {"side": 5000},
    "'crop_scale'": {"crop_scale": 0},
    "'mean' is not a key; there are points, ": {"mean": 0.5},
    "'points.0': string should match": {"points": ["two words", "left_eye", "right_eye"]},
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_set_names_its_place_and_key(words: str):
    with pytest.raises(LandmarkError, match=words) as caught:
        read_landmarks(SMALL | WRONG[words], "three.landmarks.json")
    assert str(caught.value).startswith("the landmark set of three.landmarks.json: ")


def test_a_single_point_is_a_set():
    landmarks = LandmarkSet(points=("nose",))
    assert landmarks.unit_points == (0, 0) and landmarks.mirrored == (0,)


def test_heatmaps_of_a_larger_set_are_asked_for_of_fewer_faces():
    assert count_heatmaps(DEFAULT, 32) == 32
    large = LandmarkSet(points=tuple(f"p{i}" for i in range(68)), side=256)
    assert count_heatmaps(large, 32) == 1


def test_the_published_schema_is_that_of_the_code():
    from predictor.declaration import SCHEMA, Declaration

    assert json.loads(SCHEMA.read_text()) == Declaration.model_json_schema()
