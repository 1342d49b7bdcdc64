"""Stock clients against the running services: Triton's, KServe's, curl, other languages'."""

import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import kserve
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from client import locate
from tests.support.ask import infer_url
from tests.support.environment import end, make_environment, run
from tools.processes import ROOT, Service
from tools.v2_json import face_tensor

FACE = ROOT / "predictor/golden_face.npy"
PICTURE = ROOT / "tests/assets/astronaut.jpg"
CLIENTS, EXAMPLES = ROOT / "tests/support/clients", ROOT / "examples"
NODE_PACKAGES = ("@grpc/grpc-js@1.14.0", "@grpc/proto-loader@0.8.0")


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
@pytest.mark.parametrize("kind", ["binary", "json", "grpc"])
async def test_kserves_clients(open_services, index, kind):
    service, more = open_services[index], {"model_name": "unet"}  # which drops the version
    config = kserve.RESTConfig(protocol="v2", timeout=30)
    client: Any = kserve.InferenceRESTClient(config)
    where = [service.url]
    if kind == "grpc":
        client, where, more = kserve.InferenceGRPCClient(f"127.0.0.1:{service.grpc}"), [], {}
    assert await client.is_server_live(*where) and await client.is_server_ready(*where)
    assert await client.is_model_ready(*where, "unet")
    answer = await client.infer(*where, make_request(kind != "json"), **more)
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


def find_tool(name: str) -> str:
    """Return the path of a program; skips the test where it is missing."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not on this machine")
    return path


def test_java(transformer: Service):
    java, url = find_tool("java"), infer_url(transformer)
    lines = run(java, EXAMPLES / "Landmarks.java", url, "image/jpeg", PICTURE).splitlines()
    assert len(lines) == 3 and all(line.startswith('200 {"model_name"') for line in lines)
    lines = run(java, EXAMPLES / "Landmarks.java", url, "application/json", PICTURE).splitlines()
    assert all(line.startswith("400") and "Content-Type: image/jpeg" in line for line in lines)


def test_nodes_fetch(transformer: Service):
    node, url = find_tool("node"), infer_url(transformer)
    lines = run(node, CLIENTS / "fetch.mjs", url, PICTURE).splitlines()
    assert lines[:3] == ["200 1"] * 3
    assert lines[3].startswith("400 invalid_request: The body is a picture")


def test_go(transformer: Service, tmp_path, monkeypatch):
    go, url = find_tool("go"), infer_url(transformer)
    monkeypatch.setenv("GOCACHE", str(tmp_path))
    lines = run(go, "run", EXAMPLES / "landmarks.go", url, PICTURE).splitlines()
    assert [line.split()[0] for line in lines] == ["200", "[1", "200", "[1", "400"]
    assert lines[1] == lines[3] and lines[1].startswith("[1 15 2] [")
    assert lines[4].startswith("400 invalid_request The body is a picture")


@pytest.fixture(scope="module")
def node_folder() -> Path:
    """A folder with grpc-js, which the first run installs."""
    npm, folder = find_tool("npm"), ROOT / ".venv/node"
    if not (folder / "node_modules/@grpc/proto-loader").is_dir():
        folder.mkdir(exist_ok=True)
        words = ("install", "--prefix", folder, "--no-audit", "--no-fund", *NODE_PACKAGES)
        if end(npm, *words).returncode:
            pytest.skip("the npm registry cannot be reached")
    return folder


def test_grpc_js(transformer: Service, node_folder: Path, tmp_path: Path):
    (tmp_path / "face").write_bytes(np.load(ROOT / "predictor/golden_face.npy").tobytes())
    script = node_folder / "grpc.cjs"
    script.write_text((CLIENTS / "grpc.cjs").read_text())
    protocol = FileDescriptorSet()
    pb.DESCRIPTOR.CopyToProto(protocol.file.add())
    (tmp_path / "protocol").write_bytes(protocol.SerializeToString())
    words = tmp_path / "protocol", f"127.0.0.1:{transformer.grpc}", PICTURE, tmp_path / "face"
    told = run(find_tool("node"), script, *words)
    assert told == "raw OK 1\ntyped OK 1\nface OK 1\nwrong INVALID_ARGUMENT invalid_tensor\n"


def test_curl_offers_http2(transformer: Service):
    url = infer_url(transformer)
    curl = find_tool("curl")
    if "HTTP2" not in run(curl, "--version"):
        pytest.skip("this curl has no HTTP/2")
    flags = ("-sS", "-m", "30", "--http2", "-w", "%{http_code} %{http_version}", "-o", "/dev/null")
    picture = ("--data-binary", f"@{PICTURE}", "-H", "Content-Type: image/jpeg")
    told = run(curl, *flags, *picture, url)
    assert told == "200 1.1"
