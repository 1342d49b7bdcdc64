"""A stream of frames: the points of each go back with the next, through every door."""

import io
import json
from typing import Any

import grpc
import numpy as np
import pytest
import requests
from PIL import Image
from websockets.sync.client import connect

from client import Client, Follower
from client.follow import OneEuro
from serving.contract import GRPC_STREAM
from serving.framework import pb
from serving.grpc.codec import decode_response, encode_request
from serving.grpc.extension_pb2 import StreamResponse
from tests.support.ask import infer_url, read_outputs, write_tensor
from tests.support.picture_files import encode
from tools.v2_json import image_tensor


def make_frame(astronaut: bytes, shift: tuple[int, int] = (0, 0), mirrored: bool = False) -> bytes:
    """Make a frame of one or two faces: the picture on a larger one, shifted."""
    face = Image.open(io.BytesIO(astronaut))
    frame = Image.new("RGB", (1200, 640), "grey")
    frame.paste(face, (40 + shift[0], 40 + shift[1]))
    if mirrored:
        frame.paste(face.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (640, 60))
    return encode(frame, quality=90)


def ask(service, frame: bytes, previous=None, outputs=(), **parameters) -> dict[str, Any]:
    tensors = [image_tensor(frame), *([] if previous is None else [make_previous(previous)])]
    wanted = [{"name": name} for name in outputs]
    body = {"inputs": tensors, "outputs": wanted, "parameters": parameters}
    answer = requests.post(infer_url(service), json=body, timeout=30)
    return {**read_outputs(answer), "timings": answer.headers["server-timing"]}


def make_previous(points: np.ndarray, **changes) -> dict:
    return write_tensor("previous", np.asarray(points, np.float32)) | changes


def test_points_that_hold_are_followed_without_detection(transformer, astronaut):
    first = ask(transformer, make_frame(astronaut), np.zeros((0, 15, 2)))
    assert first["face_ids"].tolist() == [-1] and "detect" in first["timings"]
    moved = ask(transformer, make_frame(astronaut, (9, 6)), first["landmarks"])
    assert moved["face_ids"].tolist() == [0] and "detect" not in moved["timings"]
    eyes = np.linalg.norm(np.subtract(*first["landmarks"][0][:2]))
    shift = moved["landmarks"] - first["landmarks"] - (9, 6)
    assert np.abs(shift).mean() < 0.02 * eyes and np.allclose(
        moved["box_scores"], moved["face_scores"]
    )
    far = np.abs(moved["boxes"] - first["boxes"] - (9, 6, 9, 6)).max()
    assert far < 0.25 * (first["boxes"][0, 2] - first["boxes"][0, 0])


def test_ids_are_rows_while_faces_come_and_go(transformer, astronaut):
    both = ask(transformer, make_frame(astronaut, mirrored=True))["landmarks"]
    one = ask(transformer, make_frame(astronaut, mirrored=True), both[::-1], search="true")
    assert one["face_ids"].tolist() == [0, 1]
    assert np.abs(one["landmarks"] - both[::-1]).mean() < 1
    lost = ask(transformer, make_frame(astronaut), one["landmarks"])
    assert len(lost["face_ids"]) == 1 and "detect" in lost["timings"]
    back = ask(transformer, make_frame(astronaut, mirrored=True), lost["landmarks"])
    assert back["face_ids"].tolist() == [0] and "detect" not in back["timings"]
    found = ask(transformer, make_frame(astronaut, mirrored=True), lost["landmarks"], search=True)
    assert found["face_ids"].tolist() == [0, -1]
    best = ask(transformer, make_frame(astronaut, mirrored=True), both, search=True, max_faces=1)
    assert best["face_ids"].tolist() == [0]


def test_points_from_anywhere_are_looked_for_by_detection(transformer, astronaut):
    frame = make_frame(astronaut)
    found = ask(transformer, frame)["landmarks"]
    far = [found + 1e6, found * 1e30, found * 0, found * 1e-3, found + np.array([300, 0])]
    for wrong in (*far, np.concatenate([found] * 20), np.concatenate(far)):
        told = ask(transformer, frame, wrong)
        assert len(told["landmarks"]) == 1 and np.abs(told["landmarks"] - found).mean() < 1


def test_further_outputs_come_with_previous(transformer, astronaut):
    frame = make_frame(astronaut)
    names = ["pose", "aligned_maps", "inside", "heatmaps", "face_ids", "landmarks"]
    first = ask(transformer, frame, np.zeros((0, 15, 2)), names)
    second = ask(transformer, frame, first["landmarks"], names)
    assert (first["face_ids"].tolist(), second["face_ids"].tolist()) == ([-1], [0])
    assert "detect" not in second["timings"]
    assert np.abs(second["pose"] - first["pose"]).max() < 5 and (second["inside"] == 1).all()
    assert second["heatmaps"].shape == (1, 15, 96, 96) and second["aligned_maps"].any()
    assert list(ask(transformer, frame, first["landmarks"], ["pose"])) == ["pose", "timings"]


def test_a_face_on_its_side_is_followed(transformer, astronaut):
    upright = Image.open(io.BytesIO(make_frame(astronaut)))
    turned = encode(upright.rotate(62, expand=True), quality=90)
    first = ask(transformer, turned)
    second = ask(transformer, turned, first["landmarks"])
    assert second["face_ids"].tolist() == [0] and "detect" not in second["timings"]
    assert np.abs(second["landmarks"] - first["landmarks"]).mean() < 1.5


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"shape": [1, 14, 2], "data": [0.0] * 28}, 400, "takes FP32 [F,15,2]"),
        ({"shape": [30], "data": [0.0] * 30}, 400, "takes FP32 [F,15,2]"),
        ({"datatype": "FP64"}, 400, "takes FP32 [F,15,2]"),
        ({"shape": [2000, 15, 2], "data": [0.0] * 60_000}, 413, "1024 is the limit"),
    ],
)
def test_a_wrong_previous_is_refused(transformer, astronaut, changes, status, said):
    body = {"inputs": [image_tensor(astronaut), make_previous(np.zeros((1, 15, 2)), **changes)]}
    answer = requests.post(infer_url(transformer), json=body, timeout=30)
    assert answer.status_code == status and said in answer.json()["error"]


def test_values_that_are_not_finite_and_two_frames_are_refused_over_grpc(transformer, astronaut):
    points = np.zeros((3, 15, 2), np.float32)
    points[1, 4, 0] = np.nan
    wrong = encode_request("unet", {"image": [astronaut], "previous": points})
    two = encode_request("unet", {"image": [astronaut] * 2, "previous": points[:1]})
    right = encode_request("unet", {"image": [astronaut], "previous": points[:0]})
    with grpc.insecure_channel(f"127.0.0.1:{transformer.grpc}") as channel:
        ask = channel.stream_stream(
            f"/{GRPC_STREAM}",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=StreamResponse.FromString,
        )
        answers = list(ask(iter([wrong, two, right]), timeout=30))
    assert "not finite in row 1" in answers[0].error_message
    assert "with 'previous' it takes one" in answers[1].error_message
    response = pb.ModelInferResponse.FromString(answers[2].infer_response)
    assert decode_response(response)["face_ids"].tolist() == [-1]
    assert response.parameters["landmarks_set"].string_param


def test_a_stream_over_a_websocket(transformer, astronaut):
    previous = np.zeros((0, 15, 2))
    with connect(f"ws://127.0.0.1:{transformer.rest}/v2/models/unet/stream") as stream:
        for number in range(3):
            frame = make_frame(astronaut, (4 * number, 0))
            inputs = [image_tensor(frame), make_previous(previous)]
            stream.send(json.dumps({"inputs": inputs}))
            outputs = {o["name"]: o for o in json.loads(stream.recv())["outputs"]}
            previous = np.reshape(outputs["landmarks"]["data"], outputs["landmarks"]["shape"])
            assert outputs["face_ids"]["data"] == [0 if number else -1]


def test_faces_keep_their_numbers_while_others_come_and_go(transformer, astronaut):
    one, two = make_frame(astronaut), make_frame(astronaut, mirrored=True)
    with Client(f"http://127.0.0.1:{transformer.rest}") as client:
        follower = Follower(client, order="left_to_right")
        frames = [(one, 0.0), (two, 0.5), (two, 1.1), (one, 1.2), (two, 2.5), (two, 2.6)]
        seen = [sorted(follower.locate(frame, seconds)) for frame, seconds in frames]
        assert seen == [[0], [0], [0, 1], [0], [0, 2], [0, 2]]
        faces = follower.locate(make_frame(astronaut, (2, 0), True), 2.7)
    raw = follower.faces[0]["nose_tip"].x
    assert 0 < raw - faces[0]["nose_tip"].x < 2  # smoothed, and not sent back like that
    assert faces[2]["nose_tip"].x == pytest.approx(follower.faces[2]["nose_tip"].x, abs=0.5)


def test_what_stands_still_is_smoothed_and_what_moves_does_not_lag():
    noise = np.random.default_rng(1).normal(0, 0.15, 200)
    still = OneEuro()
    kept = [still([100 + value], i / 25)[0] for i, value in enumerate(noise)]
    assert np.std(kept[50:]) < 0.05 < np.std(noise)
    moving = OneEuro()
    places = [moving([20.0 * i], i / 25)[0] for i in range(50)]  # 500 pixels a second
    assert 20 * 49 - places[-1] < 8
    assert moving([1.0, 2.0], 9.0) == [1.0, 2.0]  # another number of points begins anew
