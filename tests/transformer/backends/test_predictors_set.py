"""The transformer crops for the landmark set that its predictor has, and notices another."""

import asyncio

import pytest

from predictor.landmarks import DEFAULT
from serving.errors import ModelNotFound
from tests.transformer.fakes import INFER, OTHER, PNG, make_request


async def test_it_is_ready_once_its_predictor_was_and_a_metric_tells_of_it_from_then_on(
    model, rest
):
    model.backend.ready = False
    assert (await rest.get("/v2/health/ready")).status_code == 503
    told = await rest.get("/v2/models/unet/ready")
    assert told.status_code == 503 and told.json()["reason"] == "It is away."
    assert (await rest.get("/v2/health/live")).status_code == 200
    model.backend.ready = True
    assert (await rest.get("/v2/health/ready")).status_code == 200
    for there in (False, True):
        model.backend.ready = there
        assert (await rest.get("/v2/health/ready")).status_code == 200
        await model.asking
        assert f"landmarks_predictor_ready {there:.1f}" in (await rest.get("/metrics")).text


async def test_a_busy_predictor_does_not_hold_up_the_answer(model, rest):
    assert (await rest.get("/v2/health/ready")).status_code == 200
    held = asyncio.Event()

    async def wait(_) -> str:
        await held.wait()
        return ""

    model.backend.check_ready = wait
    for _ in range(3):  # one question at a time is in flight
        assert (await rest.get("/v2/health/ready")).status_code == 200
    held.set()
    assert not await model.asking


async def test_the_landmark_set_is_asked_for_once(model):
    for _ in range(3):
        await model.infer(make_request(1))
    assert model.backend.asked == 1 and model.finder.cropped_for == [DEFAULT] * 3


async def test_an_answer_of_another_set_is_refused_once_and_its_set_is_learned(model, rest):
    """The predictor was replaced: who asks again is answered with the new set."""
    await model.infer(make_request(1))
    model.backend.landmarks = OTHER
    refused = await rest.post(INFER, content=b"x", headers=PNG)
    assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
    assert refused.headers["retry-after"] == "1"
    answer = await model.infer(make_request(2))
    assert answer.outputs["landmarks"].shape == (2, 15, 2) and answer.landmarks == OTHER.digest
    assert model.finder.cropped_for == [DEFAULT, DEFAULT, OTHER]
    assert (await rest.get("/v2/health/ready")).status_code == 200
    model.backend.landmarks = None  # it is gone; what it last said stays
    metadata = (await rest.get("/v2/models/unet")).json()
    assert metadata["parameters"]["landmarks"]["points"] == list(OTHER.points)


async def test_a_predictor_without_a_set_is_not_asked_to_be_guessed(model, rest):
    model.backend.landmarks = None
    assert (await rest.get("/v2/health/ready")).status_code == 503
    answer = await rest.post(INFER, content=b"x", headers=PNG)
    assert answer.status_code == 503 and "landmark set" in answer.text
    assert (await rest.get("/v2/models/unet")).json()["outputs"][0]["shape"] == [-1, -1, 2]
    model.backend.landmarks = DEFAULT
    assert (await rest.get("/v2/health/ready")).status_code == 200
    assert (await rest.post(INFER, content=b"x", headers=PNG)).status_code == 200


@pytest.mark.parametrize("faces", [1, 0])
async def test_a_model_that_is_not_there_is_told_before_a_picture_is_read(model, faces):
    request = make_request(faces)
    request.parameters = {"model": "none"}
    with pytest.raises(ModelNotFound, match="'none' here"):
        await model.infer(request)
    assert not model.finder.cropped_for


async def test_a_call_has_no_more_faces_than_the_predictor_takes(model):
    assert len((await model.infer(make_request(3))).outputs["landmarks"]) == 3  # it takes two
