"""What a request asks for beyond points, through both doors, and by the client's command."""

import base64
import io
import json
import subprocess
import sys

import cv2
import grpc
import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc
from PIL import Image

from serving.grpc.codec import decode_response, encode_request
from serving.messages import DTYPES
from tools.processes import ROOT

OWN = "30,30,60,30,45,45,35,60,55,60"


def read_answer(answer: requests.Response) -> dict[str, np.ndarray]:
    assert answer.ok, answer.json()["error"]
    return {
        each["name"]: np.array(each["data"], DTYPES[each["datatype"]]).reshape(each["shape"])
        for each in answer.json()["outputs"]
    }


def ask_rest(service, picture: bytes, outputs, **parameters) -> dict[str, np.ndarray]:
    data = [base64.b64encode(picture).decode()]
    body = {
        "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": data}],
        "outputs": [{"name": name} for name in outputs],
        "parameters": parameters,
    }
    url = f"{service.url}/v2/models/unet/infer"
    return read_answer(requests.post(url, json=body, timeout=60))


def ask_grpc(service, picture: bytes, outputs, **parameters) -> dict[str, np.ndarray]:
    request = encode_request("unet", {"image": [picture]}, outputs)
    for name, value in parameters.items():
        field = "string_param" if isinstance(value, str) else "int64_param"
        request.parameters[name].CopyFrom(pb.InferParameter(**{field: value}))
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc}") as channel:
        answer = pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=60)
    return decode_response(answer)


def ask_by_query(service, picture: bytes, outputs, **parameters) -> dict[str, np.ndarray]:
    url, query = f"{service.url}/v2/models/unet/infer", {"outputs": ",".join(outputs)}
    kind = {"content-type": "image/jpeg"}
    return read_answer(requests.post(url, picture, None, params=query | parameters, headers=kind))


QUALITY = ("pose", "sharpness", "brightness", "eye_distance", "inside")
DOORS = [ask_rest, ask_grpc, ask_by_query]


@pytest.mark.parametrize("ask", DOORS)
def test_a_face_comes_aligned_as_its_affine_says(transformer, astronaut, ask):
    wanted = ("aligned", "aligned_maps")
    answer = ask(transformer, astronaut, wanted, template=OWN, aligned_side=90)
    assert tuple(answer) == wanted and answer["aligned"].dtype == np.uint8
    plain = np.asarray(Image.open(io.BytesIO(astronaut)))
    by_hand = cv2.warpAffine(plain, answer["aligned_maps"][0], (90, 90))
    assert answer["aligned"].shape == (1, 90, 90, 3)
    assert np.abs(answer["aligned"][0].astype(int) - by_hand).mean() < 4


@pytest.mark.parametrize("ask", DOORS)
def test_a_template_that_is_none_is_refused(transformer, astronaut, ask):
    with pytest.raises((AssertionError, grpc.RpcError), match=r"arcface112, ffhq256, or x,y"):
        ask(transformer, astronaut, ["aligned"], template="dlib")


@pytest.mark.parametrize("ask", DOORS)
def test_pose_and_quality_are_plain_numbers_of_each_face(transformer, astronaut, ask):
    answer = ask(transformer, astronaut, QUALITY)
    assert tuple(answer) == QUALITY
    yaw, pitch, roll = answer["pose"][0]
    assert abs(yaw) < 15 and abs(pitch) < 15 and abs(roll) < 8  # she looks at the camera
    assert 35 < answer["eye_distance"][0] < 50 and answer["inside"][0] == 1
    assert 0.4 < answer["brightness"][0] < 0.8 and answer["sharpness"][0] > 0.1
    mirrored = io.BytesIO()
    image = Image.open(io.BytesIO(astronaut)).rotate(20, fillcolor="grey")
    image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored, "JPEG", quality=95)
    turned = ask(transformer, mirrored.getvalue(), ["pose"])["pose"][0]
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
