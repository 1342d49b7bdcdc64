"""A landmark set is checked before anything is served by it, and is published as it was read."""

from typing import Any

import pytest

from predictor.landmarks import DEFAULT
from serving.contract import HEATMAPS, LANDMARKS
from serving.landmarks import LandmarkError, read_landmarks, read_parameters, write_parameters

GOOD: dict[str, Any] = {
    "points": ["left_eye", "right_eye", "nose", "left_mouth", "right_mouth"],
    "mirror": [["left_eye", "right_eye"], ["right_mouth", "left_mouth"]],
    "unit": ["left_eye", "right_eye"],
    "side": 64,
    "crop_scale": 1.4,
}
BAD: dict[str, dict[str, Any]] = {
    "has no points": {"points": []},
    "has no points ": {"points": "nose"},
    "has 1001 points": {"points": [f"p{i}" for i in range(1001)]},
    "names two points 'nose'": {"points": ["left_eye", "right_eye", "nose", "nose"]},
    "names a point '7'": {"points": [7]},
    "names a point 'a,b'": {"points": ["a,b"]},
    "names a point ''": {"points": [""]},
    "mirrors 'chin', which is none of its points": {"mirror": [["left_eye", "chin"]]},
    "which is no pair of points": {"mirror": [["nose", "nose"]]},
    "which is no pair of points ": {"mirror": [["left_eye", "right_eye", "nose"]]},
    "which is no pair of points  ": {"mirror": ["left_eye"]},
    "mirrors 'left_eye' in two pairs": {
        "mirror": [["left_eye", "right_eye"], ["nose", "left_eye"]]
    },
    "has no list of mirror pairs": {"mirror": None},
    "measures errors by 'chin'": {"unit": ["left_eye", "chin"]},
    "measures errors by ": {"unit": ["nose", "nose"]},
    "measures errors by '[]'": {"unit": [[], {}]},
    "has the side 0": {"side": 0},
    "has the side 100": {"side": 100},  # a UNet halves it four times
    "has the side 100000": {"side": 100_000},
    "has the side 64.0": {"side": 64.0},
    "has the side True": {"side": True},
    "has the crop scale 0": {"crop_scale": 0},
    "has the crop scale nan": {"crop_scale": float("nan")},
    "has the crop scale inf": {"crop_scale": float("inf")},
    "has the crop scale 1000": {"crop_scale": 10**400},
    "has the crop scale 1;": {"crop_scale": "1"},
    "lacks 'side'": {"side": ...},
    "has an unknown key 'mirrors'": {"mirrors": []},
}


@pytest.mark.parametrize("words", BAD)
def test_a_wrong_set_is_refused_with_one_clause_that_names_its_place(words: str):
    content = {key: value for key, value in (GOOD | BAD[words]).items() if value is not ...}
    with pytest.raises(LandmarkError) as caught:
        read_landmarks(content, "a/b.json")
    text = str(caught.value)
    assert words.strip() in text and "a/b.json" in text
    assert "\n" not in text and len(text) < 300


@pytest.mark.parametrize("content", [None, [], "points", 5])
def test_what_is_no_object_is_refused(content):
    with pytest.raises(LandmarkError, match=r"a/b\.json holds no landmark set"):
        read_landmarks(content, "a/b.json")


@pytest.mark.parametrize("content", [GOOD, DEFAULT.describe()])
def test_a_set_survives_the_models_configuration(content):
    found = read_landmarks(content, "here")
    again = read_parameters(write_parameters(found) | {"other": "{"}, "there")
    assert again == found and again.digest == found.digest
    with pytest.raises(LandmarkError, match="there lacks 'points'"):
        read_parameters({}, "there")
    with pytest.raises(LandmarkError, match="there is no JSON"):
        read_parameters(write_parameters(found) | {"side": "{"}, "there")


def test_each_key_makes_another_set_of_it():
    digests = {read_landmarks(GOOD, "").digest}
    changes: list[dict[str, Any]] = [{"side": 96}, {"crop_scale": 1.5}, {"mirror": []}]
    for change in (*changes, {"unit": ["nose", "left_eye"]}):
        digests.add(read_landmarks(GOOD | change, "").digest)
    digests.add(read_landmarks(GOOD | {"points": GOOD["points"][::-1]}, "").digest)
    assert len(digests) == 6


def test_a_mirror_swaps_the_pairs_and_leaves_the_middle():
    found = read_landmarks(GOOD, "")
    assert found.mirrored == (1, 0, 2, 4, 3) and found.unit_points == (0, 1)
    names = DEFAULT.points
    for i, j in enumerate(DEFAULT.mirrored):
        swapped = names[i].replace("left", "L").replace("right", "left").replace("L", "right")
        assert names[j] == swapped


def test_tensors_have_the_lengths_of_the_set():
    found = read_landmarks(GOOD, "")
    assert LANDMARKS.fit(found).shape == (-1, 5, 2)
    assert HEATMAPS.fit(found).shape == (-1, 5, 64, 64)
    assert HEATMAPS.fit(None).shape == (-1, -1, -1, -1)
