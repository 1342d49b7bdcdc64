"""Stock clients against the running services: Triton's, KServe's, curl and plain stubs."""

import gzip
import json
import re
import sys
from pathlib import Path

import grpc
import kserve
import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from client import locate
from tests.support.ask import infer_url
from tests.support.environment import make_environment, run
from tools.processes import ROOT, Service
from tools.v2_json import face_tensor

FACE = ROOT / "predictor/golden_face.npy"
PICTURE = ROOT / "tests/assets/astronaut.jpg"


@pytest.fixture(scope="module")
def triton_python() -> Path:
    return make_environment("triton")


@pytest.mark.parametrize("index", [0, 1], ids=["predictor", "transformer"])
def test_tritons_clients(open_services, triton_python, index):
    service = open_services[index]
    script = ROOT / "tests/support/clients/triton.py"
    lines = run(triton_python, script, service.rest, service.grpc, FACE).splitlines()
    if service.name == "transformer":  # it has no models to load, and says so
        assert sum("Model 'unet' is not there to be loaded" in line for line in lines) == 2
        lines = [line for line in lines if " load " not in line]
    assert len(lines) > 40
    assert [line for line in lines if not line.endswith(" ok")] == []


def test_the_pages_own_program_over_grpc(transformer: Service, triton_python, tmp_path):
    """docs/clients.md's block as it stands, but for the port."""
    page = (ROOT / "docs/clients.md").read_text()
    (block,) = re.findall(r"```python\n(import json.*?)```", page, re.S)
    (tmp_path / "page.py").write_text(block.replace(":8081", f":{transformer.grpc}"))
    (face,) = locate(PICTURE, transformer.url)
    scored, *lines = run(triton_python, tmp_path / "page.py").splitlines()
    assert scored == f"face_score {face.face_score:.3f}"
    assert lines == [f"{point.name} {point.x:.2f} {point.y:.2f}" for point in face.points]


def make_request(binary: bool) -> kserve.InferRequest:
    face = np.load(FACE)
    tensor = kserve.InferInput("face", list(face.shape), "UINT8")
    tensor.set_data_from_numpy(face, binary_data=binary)
    return kserve.InferRequest("unet", [tensor], request_id="r-7")


@pytest.mark.parametrize("index", [0, 1], ids=["predictor", "transformer"])
@pytest.mark.parametrize("binary", [True, False])
async def test_kserves_rest_client(open_services, index, binary):
    url = open_services[index].url
    client = kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2", timeout=30))
    assert await client.is_server_live(url) and await client.is_server_ready(url)
    assert await client.is_model_ready(url, "unet")
    answer = await client.infer(url, make_request(binary), model_name="unet")  # drops the version
    assert answer.id == "r-7" and answer.outputs[0].as_numpy().shape == (1, 15, 2)
    await client.close()


@pytest.mark.parametrize("index", [0, 1], ids=["predictor", "transformer"])
async def test_kserves_grpc_client(open_services, index):
    client = kserve.InferenceGRPCClient(f"127.0.0.1:{open_services[index].grpc}")
    assert await client.is_server_live() and await client.is_server_ready()
    assert await client.is_model_ready("unet")
    answer = await client.infer(make_request(binary=True))
    assert answer.id == "r-7" and answer.outputs[0].as_numpy().shape == (1, 15, 2)
    await client.close()


def curl(*arguments: object) -> tuple[int, dict]:
    body, _, status = run("curl", "-sS", "-m", 30, "-w", "\n%{http_code}", *arguments).rpartition(
        "\n"
    )
    return int(status), json.loads(body)


def test_curl(transformer: Service, tmp_path):
    url = infer_url(transformer)
    picture = f"@{PICTURE}"
    status, answer = curl("--data-binary", picture, "-H", "Content-Type: image/jpeg", url)
    assert status == 200 and answer["outputs"][0]["shape"] == [1, 15, 2]
    # Without -H curl calls its body a form; JSON is read all the same.
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"inputs": [face_tensor(np.zeros((1, 1, 96, 96), np.uint8))]}))
    assert curl("--data", f"@{body}", url)[0] == 200
    assert curl("--compressed", "--data", f"@{body}", url)[0] == 200
    packed = tmp_path / "body.gz"
    packed.write_bytes(gzip.compress(body.read_bytes()))
    assert curl("-H", "Content-Encoding: gzip", "--data-binary", f"@{packed}", url)[0] == 200
    # Above a megabyte curl asks before it sends.
    (tmp_path / "big").write_bytes(bytes(20 * 2**20))
    status, answer = curl("--data-binary", f"@{tmp_path / 'big'}", url)
    assert status == 413 and answer["code"] == "too_large"


def test_plain_stubs_and_typed_contents(predictor: Service):
    request = pb.ModelInferRequest(model_name="unet", model_version="1")
    tensor = request.inputs.add(name="face", datatype="UINT8", shape=[1, 1, 96, 96])
    tensor.contents.uint_contents.extend(np.load(FACE).ravel().tolist())
    request.outputs.add(name="scores")
    with grpc.insecure_channel(f"127.0.0.1:{predictor.grpc}") as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        answer, call = stub.ModelInfer.with_call(request, timeout=30)
        assert [entry.name for entry in answer.outputs] == ["scores"]
        trailing = dict(call.trailing_metadata())
        assert "infer;dur=" in trailing["server-timing"] and trailing["x-request-id"]
        request.model_version = "7"
        with pytest.raises(grpc.RpcError) as caught:
            stub.ModelInfer(request, timeout=30)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_the_clients_environment_is_not_ours():
    assert "tritonclient" not in sys.modules
