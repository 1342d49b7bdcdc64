"""What a request asks for beyond points: drawings, aligned faces, a caller's own boxes."""

import io
import json
from urllib.parse import urlencode

import cv2
import grpc
import numpy as np
import pytest
import requests
from PIL import Image

from client import Client, ServiceError
from tests.support.ask import JPEG, Outputs, ask_grpc, ask_jpeg, ask_rest, infer_url
from tests.support.environment import run
from tests.support.picture_files import encode
from tools.processes import Service
from tools.v2_json import face_tensor, image_tensor

OWN = "30,30,60,30,45,45,35,60,55,60"


def ask_by_query(service, inputs, outputs, **parameters) -> Outputs:
    query = parameters | {"outputs": ",".join(outputs)}
    (picture,) = inputs["image"]
    return ask_jpeg(service, picture, f"?{urlencode(query)}")


QUALITY = ("pose", "sharpness", "brightness", "eye_distance", "inside")
DOORS = [ask_rest, ask_grpc, ask_by_query]


@pytest.mark.parametrize("ask", DOORS)
def test_a_face_comes_aligned_as_its_affine_says(transformer, astronaut, ask):
    wanted = ("aligned", "aligned_maps")
    answer = ask(transformer, {"image": [astronaut]}, wanted, template=OWN, aligned_side=90)
    assert tuple(answer) == wanted and answer["aligned"].dtype == np.uint8
    plain = np.asarray(Image.open(io.BytesIO(astronaut)))
    by_hand = cv2.warpAffine(plain, answer["aligned_maps"][0], (90, 90))
    assert answer["aligned"].shape == (1, 90, 90, 3)
    assert np.abs(answer["aligned"][0].astype(int) - by_hand).mean() < 4
    with pytest.raises((AssertionError, grpc.RpcError), match=r"arcface112, ffhq256, or x,y"):
        ask(transformer, {"image": [astronaut]}, ["aligned"], template="dlib")


@pytest.mark.parametrize("ask", DOORS)
def test_pose_and_quality_are_plain_numbers_of_each_face(transformer, astronaut, ask):
    answer = ask(transformer, {"image": [astronaut]}, QUALITY)
    assert tuple(answer) == QUALITY
    yaw, pitch, roll = answer["pose"][0]
    assert abs(yaw) < 15 and abs(pitch) < 15 and abs(roll) < 8  # she looks at the camera
    assert 35 < answer["eye_distance"][0] < 50 and answer["inside"][0] == 1
    assert 0.4 < answer["brightness"][0] < 0.8 and answer["sharpness"][0] > 0.1
    image = Image.open(io.BytesIO(astronaut)).rotate(20, fillcolor="grey")
    mirrored = encode(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), quality=95)
    turned = ask(transformer, {"image": [mirrored]}, ["pose"])["pose"][0]
    assert turned == pytest.approx([-yaw, pitch, 20 - roll], abs=6)


def test_the_command_writes_aligned_faces(transformer, tmp_path):
    words = ("--json", "--url", transformer.url, "--aligned", tmp_path, "--aligned-side", 64)
    command = ("python", "-m", "client", "tests/assets/astronaut.jpg", *words)
    told = json.loads(run(*command, "--outputs", "pose,inside"))
    assert len(told["faces"][0]["pose"]) == 3 and "aligned" not in told["faces"][0]
    (file,) = tmp_path.rglob("*.png")
    assert file.name == "astronaut.jpg.0.png"
    pixels = np.asarray(Image.open(file))
    assert pixels.shape == (64, 64, 3) and pixels.std() > 20


@pytest.mark.parametrize("ask", [ask_rest, ask_grpc])
def test_faces_are_those_of_the_boxes_in_their_order(transformer, astronaut, ask):
    with Client(transformer.url) as client:
        found = client.locate(astronaut)[0]
    boxes = np.array([[300, 300, 380, 400], found.box, found.box], np.float32)
    index = np.array([1, 0, 1], np.int32)
    inputs = {"image": [astronaut] * 2, "boxes": boxes, "box_image_index": index}
    answer = ask(transformer, inputs)
    assert answer["boxes"] == pytest.approx(boxes)
    assert answer["image_index"].tolist() == [1, 0, 1]
    want = np.array([(point.x, point.y) for point in found.points])
    assert np.abs(answer["landmarks"][1:] - want).max() < 2
    assert answer["face_scores"][0] < answer["face_scores"][1] - 0.2  # there is no face
    boxes[1] = [600, 9, 700, 99]
    said = r"Row 1 of 'boxes' \(from 0\) lies outside its picture of 512x512"
    with pytest.raises((AssertionError, grpc.RpcError), match=said):
        ask(transformer, inputs)


def test_the_client_has_a_face_for_each_box(transformer, astronaut):
    boxes = [(178, 63, 268, 175), (10, 10, 60, 60)]
    with Client(transformer.url) as client:
        result = client.locate(astronaut, boxes=boxes, draw=True)
        assert [face.box for face in result] == boxes and result.drawing
        assert result[0].trusted
        with pytest.raises(ServiceError, match="Row 0 of 'boxes'"):
            client.locate(astronaut, boxes=[(5, 5, 1, 1)])
        assert [len(client.locate(astronaut, min_face=percent)) for percent in (15, 40)] == [1, 0]
        with pytest.raises(ServiceError, match="'max_faces' does nothing"):
            client.locate(astronaut, boxes=boxes, max_faces=1)


AS_JSON = {"content-type": "application/json"}


def ask_drawn(service: Service, content: bytes, accept: str, kind=JPEG) -> requests.Response:
    headers = {"accept": accept} | kind
    return requests.post(infer_url(service), content, headers=headers, timeout=60)


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg"])
def test_the_client_asks_for_it(transformer, astronaut, kind):
    answer = ask_drawn(transformer, astronaut, kind)
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
        answer = ask_drawn(transformer, astronaut, accept)
        assert answer.headers["content-type"] == "application/json" and answer.json()["outputs"]


@pytest.mark.parametrize("size", [(6000, 1500), (40, 3000), (3, 2)])
def test_what_is_drawn_is_bounded_whatever_the_picture(transformer, astronaut, size):
    picture = encode(Image.open(io.BytesIO(astronaut)).resize(size))
    answer = ask_drawn(transformer, picture, "image/jpeg")
    assert answer.status_code == 200, answer.text
    drawn = Image.open(io.BytesIO(answer.content))
    assert max(drawn.size) <= 2048
    assert drawn.width / drawn.height == pytest.approx(size[0] / size[1], rel=0.05)


def test_it_is_turned_upright_as_the_points_are(transformer, astronaut):
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.open(io.BytesIO(astronaut)).resize((512, 400)).rotate(90, expand=True)
    answer = ask_drawn(transformer, encode(lying, exif=exif), "image/png")
    drawn = Image.open(io.BytesIO(answer.content))
    assert drawn.width > drawn.height


def test_a_picture_without_a_face_is_answered_as_it_is(transformer):
    answer = ask_drawn(transformer, encode(Image.new("RGB", (300, 200), "#336699")), "image/png")
    drawn = np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)
    assert answer.status_code == 200 and np.abs(drawn - [0x33, 0x66, 0x99]).max() < 6


def test_several_pictures_are_not_one(transformer, astronaut):
    tensors = image_tensor(astronaut), image_tensor(astronaut, astronaut)
    bodies = (json.dumps({"inputs": [tensor]}).encode() for tensor in tensors)
    one, two = (ask_drawn(transformer, body, "image/png", AS_JSON) for body in bodies)
    assert (two.status_code, two.json()["code"]) == (406, "not_acceptable")
    assert "the request has 2" in two.json()["error"]
    assert one.headers["content-type"] == "image/png"


def test_where_nothing_is_drawn_it_is_said(predictor, transformer):
    face = json.dumps({"inputs": [face_tensor(np.zeros((1, 1, 16, 16), np.uint8))]}).encode()
    for service in (predictor, transformer):
        answer = ask_drawn(service, face, "image/png", AS_JSON)
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
        both = ask_drawn(service, face, "image/png;q=0.1, */*;q=0.5", AS_JSON)
        assert both.status_code == 200 and both.json()["outputs"]


def test_errors_stay_json(transformer):
    for content in (b"no picture", b""):
        answer = ask_drawn(transformer, content, "image/png")
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/json" and answer.json()["error"]
