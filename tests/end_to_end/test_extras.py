"""What a request asks for beyond points, and a caller's own boxes: both doors, and the client."""

import io
import json
from urllib.parse import urlencode

import cv2
import grpc
import numpy as np
import pytest
from PIL import Image

from client import Client, ServiceError
from tests.support.ask import Outputs, ask_grpc, ask_jpeg, ask_rest
from tests.support.environment import run
from tests.support.picture_files import encode

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


@pytest.mark.parametrize("ask", DOORS)
def test_a_template_that_is_none_is_refused(transformer, astronaut, ask):
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


@pytest.mark.parametrize("ask", [ask_rest, ask_grpc])
def test_a_box_outside_is_refused_with_its_row(transformer, astronaut, ask):
    boxes = np.array([[9, 9, 99, 99], [600, 9, 700, 99]], np.float32)
    said = r"Row 1 of 'boxes' \(from 0\) lies outside its picture of 512x512"
    with pytest.raises((AssertionError, grpc.RpcError), match=said):
        ask(transformer, {"image": [astronaut], "boxes": boxes})


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
