"""The transformer crops for the landmark set that its predictor has, and notices another."""

import asyncio
from dataclasses import replace

import pytest

from predictor.landmarks import DEFAULT
from serving.errors import ModelNotFound
from tests.transformer.fakes import make_request

INFER = "/v2/models/unet/infer"
PNG = {"content-type": "image/png"}


OTHER = replace(DEFAULT, points=DEFAULT.points[::-1], side=64)


async def test_it_is_ready_once_its_predictor_was_and_a_metric_tells_of_it_from_then_on(
    model, rest
):
    model.client.ready = False
    assert (await rest.get("/v2/health/ready")).status_code == 503
    assert (await rest.get("/v2/models/unet/ready")).status_code == 503
    assert (await rest.get("/v2/health/live")).status_code == 200
    model.client.ready = True
    assert (await rest.get("/v2/health/ready")).status_code == 200
    for there in (False, True):
        model.client.ready = there
        assert (await rest.get("/v2/health/ready")).status_code == 200
        await model.asking
        assert f"landmarks_predictor_ready {there:.1f}" in (await rest.get("/metrics")).text


async def test_a_busy_predictor_does_not_hold_up_the_answer(model, rest):
    assert (await rest.get("/v2/health/ready")).status_code == 200
    held = asyncio.Event()
    model.client.check_ready = lambda _: held.wait()
    for _ in range(3):  # one question at a time is under way
        assert (await rest.get("/v2/health/ready")).status_code == 200
    held.set()
    assert await model.asking


async def test_the_landmark_set_is_asked_for_once(model):
    for _ in range(3):
        await model.infer(make_request(1))
    assert model.client.asked == 1 and model.finder.cropped_for == [DEFAULT] * 3


async def test_an_answer_of_another_set_is_cropped_for_and_asked_anew(model, rest):
    """The predictor was replaced: this very answer is of the new set, and so is what is told."""
    await model.infer(make_request(1))
    model.client.landmarks = OTHER
    answer = await model.infer(make_request(2))
    assert answer.outputs["landmarks"].shape == (2, 15, 2) and answer.landmarks == OTHER.digest
    assert model.finder.cropped_for == [DEFAULT, DEFAULT, OTHER]
    model.client.landmarks = None  # it is gone; what it last said stays
    metadata = (await rest.get("/v2/models/unet")).json()
    assert metadata["parameters"]["landmarks"]["points"] == list(OTHER.points)


async def test_a_set_of_other_names_alone_needs_no_other_crop(model):
    await model.infer(make_request(1))
    model.client.landmarks = replace(DEFAULT, points=DEFAULT.points[::-1])
    await model.infer(make_request(1))
    assert model.finder.cropped_for == [DEFAULT] * 2 and model.client.asked == 2


async def test_a_predictor_without_a_set_is_not_asked_to_be_guessed(model, rest):
    model.client.landmarks = None
    assert (await rest.get("/v2/health/ready")).status_code == 503
    answer = await rest.post(INFER, content=b"x", headers=PNG)
    assert answer.status_code == 503 and "landmark set" in answer.text
    assert (await rest.get("/v2/models/unet")).json()["outputs"][0]["shape"] == [-1, -1, 2]
    model.client.landmarks = DEFAULT
    assert (await rest.get("/v2/health/ready")).status_code == 200
    assert (await rest.post(INFER, content=b"x", headers=PNG)).status_code == 200


@pytest.mark.parametrize("faces, words", [(1, "says the call"), (0, "'none' here")])
async def test_a_model_that_is_not_there_is_told_with_and_without_faces(model, faces, words):
    await model.infer(make_request(1))
    request = make_request(faces)
    request.parameters = {"model": "none"}
    with pytest.raises(ModelNotFound, match=words):
        await model.infer(request)
