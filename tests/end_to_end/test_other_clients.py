"""Stock clients of other languages, and load tools: those that this machine has."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

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


def run(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=180, cwd=cwd
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_java(transformer: Service):
    java, url = find_tool("java"), f"{transformer.url}/v2/models/unet/infer"
    lines = run(java, EXAMPLES / "Landmarks.java", url, "image/jpeg", PICTURE).splitlines()
    assert len(lines) == 3 and all(line.startswith('200 {"model_name"') for line in lines)
    lines = run(java, EXAMPLES / "Landmarks.java", url, "application/json", PICTURE).splitlines()
    assert all(line.startswith("400") and "Content-Type: image/jpeg" in line for line in lines)


def test_nodes_fetch(transformer: Service):
    node, url = find_tool("node"), f"{transformer.url}/v2/models/unet/infer"
    lines = run(node, CLIENTS / "fetch.mjs", url, PICTURE).splitlines()
    assert lines[:3] == ["200 1"] * 3
    assert lines[3].startswith("400 invalid_request: The body is a picture")


def test_go(transformer: Service, tmp_path, monkeypatch):
    go, url = find_tool("go"), f"{transformer.url}/v2/models/unet/infer"
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
        command = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", *NODE_PACKAGES]
        if subprocess.run(list(map(str, command)), capture_output=True, timeout=300).returncode:
            pytest.skip("the npm registry cannot be reached")
    return folder


def test_grpc_js(transformer: Service, node_folder: Path, tmp_path: Path):
    (tmp_path / "face").write_bytes(np.load(ROOT / "predictor/golden_face.npy").tobytes())
    script = node_folder / "grpc.cjs"
    script.write_text((CLIENTS / "grpc.cjs").read_text())
    protocol = node_folder / "open_inference.proto"
    protocol.write_text(write_protocol())
    address = f"127.0.0.1:{transformer.grpc}"
    lines = run(find_tool("node"), script, protocol, address, PICTURE, tmp_path / "face")
    assert lines.splitlines() == [
        "raw OK 1",
        "typed OK 1",
        "face OK 1",
        "wrong INVALID_ARGUMENT invalid_tensor",
    ]


def write_protocol() -> str:
    """Write the part of the protocol's file that the script uses, as the stubs describe it."""
    kinds = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string"}
    kinds |= {12: "bytes", 13: "uint32"}
    lines = ['syntax = "proto3";', "package inference;"]
    wanted = (
        pb.InferParameter,
        pb.InferTensorContents,
        pb.ModelInferRequest,
        pb.ModelInferResponse,
    )

    def write_message(message) -> None:
        lines.append(f"message {message.name} {{")
        for nested in message.nested_types:
            if not nested.GetOptions().map_entry:
                write_message(nested)
        for field in message.fields:
            kind = kinds.get(field.type) or field.message_type.full_name
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                kind = "map<string, inference.InferParameter>"
            elif field.is_repeated:
                kind = f"repeated {kind}"
            lines.append(f"{kind} {field.name} = {field.number};")
        lines.append("}")

    for message in wanted:
        write_message(message.DESCRIPTOR)
    call = "rpc ModelInfer(ModelInferRequest) returns (ModelInferResponse) {}"
    return "\n".join([*lines, f"service GRPCInferenceService {{ {call} }}"])


def test_curl_offers_http2(transformer: Service):
    url = f"{transformer.url}/v2/models/unet/infer"
    curl = find_tool("curl")
    if "HTTP2" not in run(curl, "--version"):
        pytest.skip("this curl has no HTTP/2")
    told = run(
        *(
            curl,
            "-sS",
            "-m",
            "30",
            "--http2",
            "-w",
            "%{http_code} %{http_version}",
            "-o",
            "/dev/null",
        ),
        *("--data-binary", f"@{PICTURE}", "-H", "Content-Type: image/jpeg", url),
    )
    assert told == "200 1.1"


def test_hey(transformer: Service):
    told = run(
        *(find_tool("hey"), "-n", "40", "-c", "4", "-m", "POST", "-T", "image/jpeg"),
        *("-D", PICTURE, f"{transformer.url}/v2/models/unet/infer"),
    )
    assert "[200]\t40 responses" in told, told


def test_h2load(transformer: Service):
    told = run(
        *(find_tool("h2load"), "--h1", "-n", "40", "-c", "4", "-d", PICTURE),
        *("-H", "content-type: image/jpeg", f"{transformer.url}/v2/models/unet/infer"),
    )
    assert "40 2xx" in told, told
