"""Bad input gets a typed 4xx that says what is accepted; nothing leaks, nothing falls over."""

import base64
import io
import json

import grpc
import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc
from PIL import Image

from tools.v2_json import face_tensor, image_tensor


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 64)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "grey").save(buffer, kind)
    return buffer.getvalue()


def huge_png() -> bytes:
    """A PNG of 100 megapixels in 12 kB."""
    buffer = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(buffer, "PNG")
    return buffer.getvalue()


def black_face(**changes: object) -> dict:
    return face_tensor(np.zeros((1, 1, 96, 96), np.uint8)) | changes


PICTURES = {  # plain bodies, sent as image/jpeg
    "empty": (b"", 400, "invalid_image"),
    "text": (b"hello, this is no picture", 400, "invalid_image"),
    "truncated": (picture("JPEG", (400, 400))[:600], 400, "invalid_image"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(50), 400, "invalid_image"),
    "100 megapixels": (huge_png(), 413, "too_large"),
    "30 MB": (b"\xff\xd8" + bytes(30 * 2**20), 413, "too_large"),
}

BODIES = {  # JSON bodies for the transformer
    "no json": (b"{", 400, "invalid_request"),
    "no object": ([], 400, "invalid_request"),
    "no inputs": ({}, 400, "invalid_request"),
    "empty inputs": ({"inputs": []}, 400, "invalid_tensor"),
    "unknown input": ({"inputs": [image_tensor() | {"name": "foo"}]}, 400, "invalid_tensor"),
    "no base64": ({"inputs": [image_tensor(b"x") | {"data": ["?"]}]}, 400, "invalid_image"),
    "no picture": ({"inputs": [image_tensor(b"x")]}, 400, "invalid_image"),
    "wrong shape": ({"inputs": [black_face(name="image")]}, 400, "invalid_tensor"),
    "too many": ({"inputs": [image_tensor(*[picture()] * 33)]}, 413, "too_large"),
    "unknown output": (
        {"inputs": [image_tensor(picture())], "outputs": [{"name": "mood"}]},
        400,
        "unknown_output",
    ),
}

FACES = {  # JSON bodies for the predictor
    "image": ({"inputs": [image_tensor(picture())]}, 400, "invalid_tensor"),
    "dtype": ({"inputs": [black_face(datatype="INT64")]}, 400, "invalid_tensor"),
    "shape": ({"inputs": [black_face(shape=[1, 9216])]}, 400, "invalid_tensor"),
    "no data": ({"inputs": [{"name": "face"}]}, 400, "invalid_tensor"),
    "twice": ({"inputs": [black_face(), black_face()]}, 400, "invalid_tensor"),
    "unknown output": (
        {"inputs": [black_face()], "outputs": [{"name": "boxes"}]},
        400,
        "unknown_output",
    ),
}


def check_error(answer: requests.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["code"] == code
    assert 10 < len(body["error"]) < 400 and body["error"].endswith(".")
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("case", PICTURES)
def test_bad_pictures(transformer, case):
    body, status, code = PICTURES[case]
    headers = {"content-type": "image/jpeg"}
    url = f"{transformer.url}/v2/models/unet/infer"
    check_error(requests.post(url, data=body, headers=headers), status, code)


def test_nothing_of_a_picture_is_told(transformer):
    url = f"{transformer.url}/v2/models/unet/infer"
    for secret in (b"nobody shall read this!", picture("JPEG")[:100] + b"nobody shall read this!"):
        plain = requests.post(url, data=secret, headers={"content-type": "image/jpeg"})
        coded = requests.post(url, json={"inputs": [image_tensor(secret)]})
        for told in (plain.text, coded.text, transformer.log.read_text()):
            assert "nobody" not in told and base64.b64encode(secret[-15:]).decode() not in told


@pytest.mark.parametrize("case", BODIES)
def test_bad_requests(transformer, case):
    body, status, code = BODIES[case]
    content = body if isinstance(body, bytes) else json.dumps(body)
    url = f"{transformer.url}/v2/models/unet/infer"
    check_error(requests.post(url, data=content), status, code)


@pytest.mark.parametrize("case", FACES)
def test_bad_faces(predictor, case):
    body, status, code = FACES[case]
    check_error(requests.post(f"{predictor.url}/v2/models/unet/infer", json=body), status, code)


@pytest.mark.parametrize("path", ["/v2/models/none/infer", "/v2/models/unet/versions/7/infer"])
def test_unknown_models_and_versions(transformer, path):
    check_error(requests.post(transformer.url + path, json={}), 404, "model_not_found")


def test_wrong_addresses_and_methods(transformer):
    check_error(requests.get(f"{transformer.url}/v2/nothing"), 404, "not_found")
    # A slash at the end sends nobody elsewhere.
    answer = requests.post(f"{transformer.url}/v2/models/unet/infer/", data=b"{}")
    assert not answer.history
    check_error(answer, 404, "not_found")
    # KServe's own routes, behind ours, shall never be reached.
    check_error(requests.get(f"{transformer.url}/v1/models/unet"), 404, "not_found")
    for path in ("/v2/models/a%0Ab/ready", "/v2/models/%0A/versions/1/ready"):
        check_error(requests.get(transformer.url + path), 404, "model_not_found")
    answer = requests.post(f"{transformer.url}/v2/models/%0Aunet/infer", json={"inputs": []})
    check_error(answer, 404, "model_not_found")
    answer = requests.get(f"{transformer.url}/v2/models/unet/infer")
    check_error(answer, 405, "method_not_allowed")


GRPC = {
    "not a picture": ("image", "BYTES", [1], b"\x01\0\0\0x", "INVALID_ARGUMENT", "invalid_image"),
    "half an element": ("image", "BYTES", [1], b"\x09\0\0\0x", "INVALID_ARGUMENT", None),
    "wrong name": ("foo", "BYTES", [1], b"\x01\0\0\0x", "INVALID_ARGUMENT", "invalid_tensor"),
    "wrong size": ("face", "UINT8", [1, 1, 96, 96], b"xx", "INVALID_ARGUMENT", "invalid_tensor"),
    "NaN, told by the predictor": (
        "face",
        "FP32",
        [1, 1, 96, 96],
        np.full(9216, np.nan, np.float32).tobytes(),
        "INVALID_ARGUMENT",
        "invalid_tensor",
    ),
    "30 MB": ("image", "BYTES", [1], bytes(30 * 2**20), "RESOURCE_EXHAUSTED", None),
}


@pytest.mark.parametrize("case", GRPC)
def test_bad_grpc_requests(transformer, case):
    name, datatype, shape, raw, status, code = GRPC[case]
    tensor = pb.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape)
    request = pb.ModelInferRequest(model_name="unet", inputs=[tensor], raw_input_contents=[raw])
    address = f"127.0.0.1:{transformer.grpc}"
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=20)
    assert caught.value.code().name == status
    if code:
        assert dict(caught.value.trailing_metadata())["landmarks-error-code"] == code


def test_the_services_live_on_and_their_logs_hold_no_traceback(services, astronaut):
    for service in services:
        assert service.process.poll() is None
        assert "Traceback" not in service.log.read_text()
