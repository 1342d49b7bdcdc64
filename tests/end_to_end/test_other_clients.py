"""Stock clients of other languages: those that this machine has."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from tests.support.ask import infer_url
from tests.support.environment import end, run
from tools.processes import ROOT, Service

CLIENTS, EXAMPLES = ROOT / "tests/support/clients", ROOT / "examples"
PICTURE = ROOT / "tests/assets/astronaut.jpg"
NODE_PACKAGES = ("@grpc/grpc-js@1.14.0", "@grpc/proto-loader@0.8.0")


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
