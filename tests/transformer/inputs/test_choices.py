"""A request says how closely to look and which faces it wants; what it can't have is refused."""

import httpx
import numpy as np
import pytest

from serving.errors import InvalidRequest
from serving.messages import InferenceRequest
from tests.transformer.fakes import INFER, PNG, make_request
from transformer.inputs.choices import Choices, check_used, read_choices
from transformer.settings import TransformerSettings

SETTINGS = TransformerSettings(detect="fast", max_picture_faces=8)


def test_what_a_request_says_nothing_of_is_the_servers():
    assert read_choices({}, SETTINGS) == Choices("fast", None, 8, "score")


@pytest.mark.parametrize("as_text", [True, False])
def test_a_request_has_its_own(as_text):
    said = {"detect": "thorough", "min_score": 0.25, "max_faces": 3, "order": "size"}
    if as_text:  # as a query has them
        said = {name: str(value) for name, value in said.items()}
    assert read_choices(said, SETTINGS) == Choices("thorough", 0.25, 3, "size")


@pytest.mark.parametrize(
    "name, values, accepted",
    [
        ("detect", ["all", "", 1, None, ["fast"], True], "fast, default, thorough"),
        ("order", ["best", "Size", 0], "score, size, left_to_right"),
        ("min_score", [0, 1, -0.5, "nan", "x", True, "1e999", [0.5], "0.1_5"], "between 0 and 1"),
        (
            "max_faces",
            [0, 9, 1.5, "many", "\u0663", float("inf"), float("nan"), 10**400, {}],
            "from 1 to 8",
        ),
    ],
)
def test_what_is_not_accepted_is_refused_with_what_is(name, values, accepted):
    for value in values:
        with pytest.raises(InvalidRequest, match=f"'{name}'.*{accepted}"):
            read_choices({name: value}, SETTINGS)


BOXES = np.array([[50, 0, 60, 10], [0, 0, 30, 30], [90, 5, 110, 25]], np.float32)
SCORES = np.array([0.9, 0.7, 0.8], np.float32)


@pytest.mark.parametrize(
    "order, most, chosen",
    [
        ("score", 3, [0, 2, 1]),
        ("score", 2, [0, 2]),
        ("size", 3, [1, 2, 0]),
        ("size", 1, [1]),  # the largest face
        ("left_to_right", 3, [1, 0, 2]),
        ("left_to_right", 2, [0, 2]),  # of too many the best stay
    ],
)
def test_the_order_and_the_number_of_faces(order, most, chosen):
    assert Choices(order=order, max_faces=most).choose(BOXES, SCORES).tolist() == chosen


async def test_of_more_faces_than_may_be_the_best_are_answered_and_the_rest_counted(model):
    answer = await model.infer(make_request(3, 4))  # four are the limit
    assert len(answer.outputs["landmarks"]) == 4
    assert answer.outputs["image_index"].tolist() == [0, 0, 0, 1]
    assert answer.parameters == {"more_faces": 3}
    assert (await model.infer(make_request(3))).parameters == {}


async def test_a_plain_picture_has_its_choices_in_the_query(rest: httpx.AsyncClient):
    answer = await rest.post(INFER + "?detect=thorough&max_faces=2", content=b"xxxxx", headers=PNG)
    assert answer.json()["parameters"] == {"more_faces": 3}
    refused = await rest.post(INFER + "?detect=all", content=b"x", headers=PNG)
    assert refused.status_code == 400 and "fast, default, thorough" in refused.json()["error"]


def test_a_setting_of_before_is_refused_with_what_there_is_now(monkeypatch):
    monkeypatch.setenv("LANDMARKS_DETECT_SIDE", "1280")
    with pytest.raises(ValueError, match="LANDMARKS_DETECT=thorough"):
        TransformerSettings()


@pytest.mark.parametrize("budget", [0, 409_599])
def test_a_budget_below_one_look_is_refused(budget):
    with pytest.raises(ValueError, match="409600"):
        TransformerSettings(detect_budget=budget)


@pytest.mark.parametrize(
    "inputs, outputs, name, accepted",
    [
        ("image", "pose", "max_face", "model, detect, min_score, max_faces, order, search"),
        ("image", "pose", "template", "model, detect, min_score, max_faces, order, search"),
        ("image boxes", "aligned", "detect", "model, template, aligned_side"),
        ("face", "scores", "order", "model"),
    ],
)
def test_what_does_nothing_is_refused_with_what_does(inputs, outputs, name, accepted):
    named: dict = dict.fromkeys(inputs.split())
    request = InferenceRequest("unet", named, parameters={name: "1"})
    with pytest.raises(InvalidRequest, match=f"'{name}' does nothing here; accepted is {accepted}"):
        check_used(request, outputs.split())
