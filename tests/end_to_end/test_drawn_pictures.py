"""Who accepts a picture gets the drawn one."""

import io
import json

import numpy as np
import pytest
import requests
from PIL import Image

from client import Client
from tests.support.ask import JPEG, infer_url
from tests.support.picture_files import encode
from tools.processes import Service
from tools.v2_json import face_tensor, image_tensor

JSON = {"content-type": "application/json"}


def ask(service: Service, content: bytes, accept: str, kind=JPEG) -> requests.Response:
    headers = {"accept": accept} | kind
    return requests.post(infer_url(service), content, headers=headers, timeout=60)


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg"])
def test_the_client_asks_for_it(transformer, astronaut, kind):
    answer = ask(transformer, astronaut, kind)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == kind and answer.headers["landmarks-set"]
    assert "draw;dur=" in answer.headers["server-timing"]
    drawn = Image.open(io.BytesIO(answer.content))
    with Client(transformer.url) as client:
        assert client.draw(astronaut, kind) == answer.content
    assert drawn.format == kind[6:].upper()
    plain = np.asarray(Image.open(io.BytesIO(astronaut)).resize(drawn.size))
    assert (np.abs(plain.astype(int) - np.asarray(drawn)).max(axis=2) > 100).sum() > 1000


def test_json_stays_the_answer_where_it_is_as_welcome(transformer, astronaut):
    for accept in ("*/*", "application/json", "image/png;q=0.5, application/json"):
        answer = ask(transformer, astronaut, accept)
        assert answer.headers["content-type"] == "application/json" and answer.json()["outputs"]


@pytest.mark.parametrize("size", [(6000, 1500), (40, 3000), (3, 2)])
def test_what_is_drawn_is_bounded_whatever_the_picture(transformer, astronaut, size):
    picture = encode(Image.open(io.BytesIO(astronaut)).resize(size))
    answer = ask(transformer, picture, "image/jpeg")
    assert answer.status_code == 200, answer.text
    drawn = Image.open(io.BytesIO(answer.content))
    assert max(drawn.size) <= 2048
    assert drawn.width / drawn.height == pytest.approx(size[0] / size[1], rel=0.05)


def test_it_is_turned_upright_as_the_points_are(transformer, astronaut):
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.open(io.BytesIO(astronaut)).resize((512, 400)).rotate(90, expand=True)
    answer = ask(transformer, encode(lying, exif=exif), "image/png")
    drawn = Image.open(io.BytesIO(answer.content))
    assert drawn.width > drawn.height


def test_a_picture_without_a_face_is_answered_as_it_is(transformer):
    answer = ask(transformer, encode(Image.new("RGB", (300, 200), "#336699")), "image/png")
    drawn = np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)
    assert answer.status_code == 200 and np.abs(drawn - [0x33, 0x66, 0x99]).max() < 6


def test_several_pictures_are_not_one(transformer, astronaut):
    tensors = image_tensor(astronaut), image_tensor(astronaut, astronaut)
    bodies = (json.dumps({"inputs": [tensor]}).encode() for tensor in tensors)
    one, two = (ask(transformer, body, "image/png", JSON) for body in bodies)
    assert (two.status_code, two.json()["code"]) == (406, "not_acceptable")
    assert "the request has 2" in two.json()["error"]
    assert one.headers["content-type"] == "image/png"


def test_where_nothing_is_drawn_it_is_said(predictor, transformer):
    face = json.dumps({"inputs": [face_tensor(np.zeros((1, 1, 16, 16), np.uint8))]}).encode()
    for service in (predictor, transformer):
        answer = ask(service, face, "image/png", JSON)
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
        both = ask(service, face, "image/png;q=0.1, */*;q=0.5", JSON)
        assert both.status_code == 200 and both.json()["outputs"]


def test_errors_stay_json(transformer):
    for content in (b"no picture", b""):
        answer = ask(transformer, content, "image/png")
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/json" and answer.json()["error"]
