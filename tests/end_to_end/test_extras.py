"""What a request asks for beyond points, through both doors, and by the client's command."""

import io
import json
import subprocess
import sys
from urllib.parse import urlencode

import cv2
import grpc
import numpy as np
import pytest
from PIL import Image

from tests.support.ask import Outputs, ask_grpc, ask_jpeg, ask_rest
from tools.processes import ROOT

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
    mirrored = io.BytesIO()
    image = Image.open(io.BytesIO(astronaut)).rotate(20, fillcolor="grey")
    image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored, "JPEG", quality=95)
    turned = ask(transformer, {"image": [mirrored.getvalue()]}, ["pose"])["pose"][0]
    assert turned == pytest.approx([-yaw, pitch, 20 - roll], abs=6)


def test_the_command_writes_aligned_faces(transformer, tmp_path):
    command = [sys.executable, "-m", "client", "tests/assets/astronaut.jpg", "--json"]
    command += ["--url", transformer.url, "--aligned", str(tmp_path), "--aligned-side", "64"]
    command += ["--outputs", "pose,inside"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and '"aligned"' not in done.stdout, done.stderr
    assert len(json.loads(done.stdout)["faces"][0]["pose"]) == 3
    (file,) = tmp_path.rglob("*.png")
    assert file.name == "astronaut.jpg.0.png"
    pixels = np.asarray(Image.open(file))
    assert pixels.shape == (64, 64, 3) and pixels.std() > 20
