"""Ask the service for the faces of one picture, over REST or gRPC.

What its points are called the service says itself, in the model's configuration.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests
from numpy.typing import NDArray

from client.faces import Face, ServiceError, make_faces
from client.names import SET_HEADER, find_names, read_names

DTYPES = {"FP32": np.float32, "INT32": np.int32}
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SIGNATURES = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}


def locate(
    picture: str | Path | bytes,
    url: str = "http://127.0.0.1:8080",
    model: str = "unet",
    timeout: float = 30.0,
    headers: dict[str, str] | None = None,
) -> list[Face]:
    """Find the faces of a picture over REST: best-scored first, none is an empty list.

    Points are in pixels of the upright picture. Raises ServiceError.
    """
    content = read_picture(picture)
    kind = SIGNATURES.get(content[:2], "image/jpeg")  # the server looks at the bytes anyway
    address = f"{url.rstrip('/')}/v2/models/{model}"
    more = {"headers": {"content-type": kind} | (headers or {}), "timeout": timeout}
    body, told = ask_rest("POST", f"{address}/infer", data=content, **more)
    arrays = {output["name"]: read_output(output) for output in body["outputs"]}

    def ask_names() -> list[str]:
        config, _ = ask_rest("GET", f"{address}/config", headers=headers, timeout=timeout)
        return read_names({k: v["string_value"] for k, v in config.get("parameters", {}).items()})

    return name_faces(arrays, address, told.get(SET_HEADER, ""), ask_names)


def name_faces(
    arrays: dict[str, NDArray], address: str, digest: str, ask: Callable[[], list[str]]
) -> list[Face]:
    """Make faces of the outputs, their points' names asked for where they aren't known."""
    faces, points = arrays["landmarks"].shape[:2]
    return make_faces(arrays, find_names(address, digest, points, ask) if faces else [])


def ask_rest(method: str, address: str, **more: Any) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Make a request and return its answer's JSON and headers; raises ServiceError."""
    try:
        with requests.Session() as session:
            # A proxy of the environment leads past this machine.
            session.trust_env = urlsplit(address).hostname not in LOOPBACK
            answer = session.request(method, address, **more)
    except requests.RequestException as error:
        raise ServiceError("unreachable", f"{address} does not answer ({error}).") from None
    try:
        body = answer.json()
    except ValueError:
        raise ServiceError(str(answer.status_code), f"{address} gave no JSON.") from None
    if not answer.ok:
        raise ServiceError(body.get("code", str(answer.status_code)), body.get("error", ""))
    return body, answer.headers


def read_output(output: dict[str, Any]) -> NDArray:
    """Make an array of a JSON output."""
    return np.array(output["data"], DTYPES[output["datatype"]]).reshape(output["shape"])


def locate_grpc(
    picture: str | Path | bytes,
    address: str = "127.0.0.1:8081",
    model: str = "unet",
    timeout: float = 30.0,
) -> list[Face]:
    """Find the faces of a picture over gRPC, as `locate` does; needs kserve installed."""
    import grpc

    pb, pb_grpc, ext = import_stubs()
    content = read_picture(picture)
    request = pb.ModelInferRequest(
        model_name=model,
        inputs=[pb.ModelInferRequest.InferInputTensor(name="image", datatype="BYTES", shape=[1])],
        raw_input_contents=[len(content).to_bytes(4, "little") + content],
    )
    local = address.rpartition(":")[0].strip("[]") in LOOPBACK
    options = [("grpc.enable_http_proxy", 0)] if local else []
    with grpc.insecure_channel(address, options) as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        try:
            answer, call = stub.ModelInfer.with_call(request, timeout=timeout)
            told = dict(call.trailing_metadata() or ())
            arrays = {
                output.name: np.frombuffer(raw, DTYPES[output.datatype]).reshape(
                    tuple(output.shape)
                )
                for output, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
            }

            def ask_names() -> list[str]:
                ask = channel.unary_unary(
                    "/inference.GRPCInferenceService/ModelConfig",
                    ext.ModelRequest.SerializeToString,
                    ext.ConfigResponse.FromString,
                )
                config = ask(ext.ModelRequest(name=model), timeout=timeout).config
                return read_names({k: v.string_value for k, v in config.parameters.items()})

            return name_faces(arrays, f"{address}/{model}", told.get(SET_HEADER, ""), ask_names)
        except grpc.RpcError as error:
            raise ServiceError(error.code().name.lower(), error.details()) from None


def import_stubs():
    """Import KServe's gRPC modules, which would take this program's arguments for their own."""
    arguments, sys.argv = sys.argv, sys.argv[:1]
    try:
        from kserve.protocol.grpc import grpc_predict_v2_pb2, grpc_predict_v2_pb2_grpc

        from serving import extension_pb2
    finally:
        sys.argv = arguments
    return grpc_predict_v2_pb2, grpc_predict_v2_pb2_grpc, extension_pb2


def read_picture(picture: str | Path | bytes) -> bytes:
    """Give a picture's bytes, from its file unless they are there."""
    if isinstance(picture, bytes):
        return picture
    try:
        return Path(picture).read_bytes()
    except OSError as error:
        raise ServiceError("unreadable", f"{picture}: {error.strerror}.") from None
