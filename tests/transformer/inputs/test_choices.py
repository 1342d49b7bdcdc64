"""A request says how closely to look and which faces it wants; what it can't have is refused."""

import numpy as np
import pytest

from serving.errors import InvalidRequest
from serving.messages import InferenceRequest
from tests.transformer.fakes import make_request
from transformer.inputs.choices import Choices, check_used, read_choices
from transformer.settings import TransformerSettings

INF = float("inf")
SETTINGS = TransformerSettings(detect="fast", max_picture_faces=8)


@pytest.mark.parametrize("as_text", [True, False])
def test_a_request_has_its_own(as_text):
    said = {"detect": "thorough", "min_score": 0.25, "max_faces": 3, "order": "size"}
    if as_text:  # as a query has them
        said = {name: str(value) for name, value in said.items()}
    assert read_choices(said, SETTINGS) == Choices("thorough", 0.25, 3, "size")
    assert read_choices({}, SETTINGS) == Choices("fast", None, 8, "score")  # the server's


@pytest.mark.parametrize(
    "name, values, accepted",
    [
        ("detect", ["all", "", 1, None, ["fast"], True], "fast, default, thorough"),
        ("order", ["best", "Size", 0], "score, size, left_to_right"),
        ("min_score", [0, 1, -0.5, "nan", "x", True, "1e999", [0.5], "0.1_5"], "between 0 and 1"),
        ("max_faces", [0, 9, 1.5, "many", "\u0663", INF, INF - INF, 10**400, {}], "from 1 to 8"),
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


@pytest.mark.parametrize(
    "name, value, words",
    [("DETECT_SIDE", "1280", "LANDMARKS_DETECT=thorough"), ("DETECT_BUDGET", "409599", "409600")],
)
def test_a_setting_of_before_or_of_less_than_one_look_is_refused(monkeypatch, name, value, words):
    monkeypatch.setenv(f"LANDMARKS_{name}", value)
    with pytest.raises(ValueError, match=words):
        TransformerSettings()


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
