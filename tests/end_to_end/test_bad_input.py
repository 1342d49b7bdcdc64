"""Bad input gets a typed 4xx that says what is accepted; nothing leaks, nothing falls over."""

import base64
import json
import re
from typing import Any

import grpc
import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc
from PIL import Image

from tests.support.ask import JPEG, infer_url
from tests.support.picture_files import encode
from tools.v2_json import face_tensor, image_tensor

GREY = encode(Image.new("RGB", (64, 64), "grey"), "PNG")
TORN = encode(Image.new("RGB", (400, 400)))[:600]
HUGE = encode(Image.new("1", (10_000, 10_000)), "PNG")  # 100 megapixels in 12 kB
FACE = face_tensor(np.zeros((1, 1, 96, 96), np.uint8))
NAN = np.full(9216, np.nan, np.float32).tobytes()
ONE = b"\x01\0\0\0x"

PICTURES = {  # plain bodies, sent as image/jpeg
    "text": (b"hello, this is no picture", 400, "invalid_image"),
    "100 megapixels": (HUGE, 413, "too_large"),
    "30 MB": (b"\xff\xd8" + bytes(30 * 2**20), 413, "too_large"),
}
OTHER_OUTPUT = {"outputs": [{"name": "mood"}]}
BODIES = {  # JSON bodies for the transformer
    "no json": (b"{", 400, "invalid_request"),
    "no object": ([], 400, "invalid_request"),
    "no inputs": ({}, 400, "invalid_request"),
    "empty inputs": ({"inputs": []}, 400, "invalid_tensor"),
    "unknown input": ({"inputs": [image_tensor() | {"name": "foo"}]}, 400, "invalid_tensor"),
    "no base64": ({"inputs": [image_tensor(b"x") | {"data": ["?"]}]}, 400, "invalid_image"),
    "wrong shape": ({"inputs": [FACE | {"name": "image"}]}, 400, "invalid_tensor"),
    "too many": ({"inputs": [image_tensor(*[GREY] * 33)]}, 413, "too_large"),
    "unknown output": ({"inputs": [image_tensor(GREY)]} | OTHER_OUTPUT, 400, "unknown_output"),
}
FACES = {  # JSON bodies for the predictor
    "image": ({"inputs": [image_tensor(GREY)]}, 400, "invalid_tensor"),
    "dtype": ({"inputs": [FACE | {"datatype": "INT64"}]}, 400, "invalid_tensor"),
    "twice": ({"inputs": [FACE, FACE]}, 400, "invalid_tensor"),
    "unknown output": ({"inputs": [FACE]} | OTHER_OUTPUT, 400, "unknown_output"),
}
GRPC = {
    "not a picture": ("image", "BYTES", [1], ONE, "INVALID_ARGUMENT", "invalid_image"),
    "half an element": ("image", "BYTES", [1], b"\x09\0\0\0x", "INVALID_ARGUMENT", None),
    "wrong name": ("foo", "BYTES", [1], ONE, "INVALID_ARGUMENT", "invalid_tensor"),
    "wrong size": ("face", "UINT8", [1, 1, 96, 96], b"xx", "INVALID_ARGUMENT", "invalid_tensor"),
    "NaN": ("face", "FP32", [1, 1, 96, 96], NAN, "INVALID_ARGUMENT", "invalid_tensor"),
    "30 MB": ("image", "BYTES", [1], bytes(30 * 2**20), "RESOURCE_EXHAUSTED", None),
}
INFER, UNKNOWN = "/v2/models/unet/infer", "model_not_found"
ADDRESSES = {  # KServe's own routes, behind ours, shall never be reached
    "GET /v2/nothing": (404, "not_found"),
    f"POST {INFER}/": (404, "not_found"),  # a slash at the end sends nobody elsewhere
    "GET /v1/models/unet": (404, "not_found"),
    f"GET {INFER}": (405, "method_not_allowed"),
    f"POST {INFER}?model=none": (404, UNKNOWN),
    f"POST {INFER}?model=a/b": (400, "invalid_request"),
}
NOBODY = (
    "POST /v2/models/none/infer POST /v2/models/unet/versions/7/infer GET /v2/models/a%0Ab/ready"
)
NOBODY += " GET /v2/models/%0A/versions/1/ready POST /v2/models/%0Aunet/infer"
ADDRESSES |= dict.fromkeys(re.findall(r"\w+ \S+", NOBODY), (404, UNKNOWN))


def check_error(answer: requests.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["code"] == code and not answer.history
    assert 10 < len(body["error"]) < 400 and body["error"].endswith(".")
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("case", PICTURES)
def test_bad_pictures(transformer, case):
    body, status, code = PICTURES[case]
    check_error(requests.post(infer_url(transformer), data=body, headers=JPEG), status, code)


def test_nothing_of_a_picture_is_told(transformer):
    for secret in (b"nobody shall read this!", TORN[:100] + b"nobody shall read this!"):
        plain = requests.post(infer_url(transformer), data=secret, headers=JPEG)
        coded = requests.post(infer_url(transformer), json={"inputs": [image_tensor(secret)]})
        for told in (plain.text, coded.text, transformer.log.read_text()):
            assert "nobody" not in told and base64.b64encode(secret[-15:]).decode() not in told


@pytest.mark.parametrize("case", BODIES)
def test_bad_requests(transformer, case):
    body, status, code = BODIES[case]
    content = body if isinstance(body, bytes) else json.dumps(body)
    check_error(requests.post(infer_url(transformer), data=content), status, code)


@pytest.mark.parametrize("case", FACES)
def test_bad_faces(predictor, case):
    body, status, code = FACES[case]
    check_error(requests.post(infer_url(predictor), json=body), status, code)


@pytest.mark.parametrize("address", ADDRESSES)
def test_wrong_addresses_and_methods(transformer, address):
    method, path = address.split()
    content: dict[str, Any] = {"data": GREY, "headers": JPEG} if "?" in path else {"json": {}}
    check_error(requests.request(method, transformer.url + path, **content), *ADDRESSES[address])


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


def test_the_services_live_on_and_their_logs_hold_no_traceback(services):
    for service in services:
        assert service.process.poll() is None
        assert "Traceback" not in service.log.read_text()
