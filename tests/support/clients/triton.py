"""Every call of Triton's clients, against one running service; run by test_clients.py.

    python triton.py REST_PORT GRPC_PORT face.npy

Prints each call's name and "ok", or what it raised.
"""

import asyncio
import queue
import sys
from collections.abc import Callable

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
import tritonclient.http.aio as over_aio
from tritonclient.utils import InferenceServerException

MODEL = "unet"


def report(name: str, call: Callable[..., object], *arguments: object) -> None:
    try:
        print(name, "ok" if call(*arguments) is not False else "said no", flush=True)
    except Exception as error:
        print(name, type(error).__name__, error, flush=True)


def manage(name: str, client) -> None:
    for method in ("is_server_live", "is_server_ready", "get_server_metadata"):
        report(f"{name} {method}", getattr(client, method))
    for method in ("is_model_ready", "get_model_metadata", "get_model_config"):
        for version in ("", "1"):
            report(f"{name} {method} {version}", getattr(client, method), MODEL, version)
    report(f"{name} statistics", client.get_inference_statistics)
    report(f"{name} statistics 1", lambda: client.get_inference_statistics(MODEL, "1"))
    report(f"{name} index", client.get_model_repository_index)
    report(f"{name} refuses", lambda: check_refusal(client))


def check_refusal(client) -> bool:
    try:
        client.get_model_metadata(MODEL, "7")
    except InferenceServerException as error:
        return "version '7'" in str(error)
    return False


def infer_http(client, face: np.ndarray, binary: bool, packing: str | None, named: bool) -> bool:
    tensor = over_http.InferInput("face", list(face.shape), "UINT8")
    tensor.set_data_from_numpy(face, binary_data=binary)
    names = ("landmarks", "scores")
    outputs = [over_http.InferRequestedOutput(name, binary_data=binary) for name in names]
    answer = client.infer(
        MODEL,
        [tensor],
        outputs=outputs if named else None,
        request_id="r-7",
        request_compression_algorithm=packing,
        response_compression_algorithm=packing,
    )
    return check_answer(answer) and answer.get_response()["id"] == "r-7"


def infer_grpc(client, face: np.ndarray, packing: str | None, version: str) -> bool:
    tensor = over_grpc.InferInput("face", list(face.shape), "UINT8")
    tensor.set_data_from_numpy(face)
    outputs = [over_grpc.InferRequestedOutput(name) for name in ("landmarks", "scores")]
    answer = client.infer(
        MODEL, [tensor], version, outputs, request_id="r-7", compression_algorithm=packing
    )
    return check_answer(answer) and answer.get_response().id == "r-7"


def infer_stream(client, face: np.ndarray) -> bool:
    """Send a request, a wrong one and another over one stream: answers come in this order."""
    answers: queue.Queue = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    tensor = over_grpc.InferInput("face", list(face.shape), "UINT8")
    tensor.set_data_from_numpy(face)
    for number, model in enumerate((MODEL, "none", MODEL)):
        client.async_stream_infer(model, [tensor], request_id=f"r-{number}")
    (first, _), (_, error), (last, _) = [answers.get(timeout=20) for _ in range(3)]
    client.stop_stream()
    ids = [answer.get_response().id for answer in (first, last)]
    return check_answer(first) and ids == ["r-0", "r-2"] and "not served here" in str(error)


def check_answer(answer) -> bool:
    points = answer.as_numpy("landmarks")
    return points.shape == (1, 15, 2) and answer.as_numpy("scores").shape == (1, 15)


async def infer_aio(port: int, face: np.ndarray) -> bool:
    async with over_aio.InferenceServerClient(f"127.0.0.1:{port}") as client:
        tensor = over_aio.InferInput("face", list(face.shape), "UINT8")
        tensor.set_data_from_numpy(face)
        return check_answer(await client.infer(MODEL, [tensor]))


def call_all(rest: int, grpc: int, face: np.ndarray) -> None:
    http = over_http.InferenceServerClient(f"127.0.0.1:{rest}")
    rpc = over_grpc.InferenceServerClient(f"127.0.0.1:{grpc}")
    manage("http", http)
    manage("grpc", rpc)
    for packing in (None, "gzip", "deflate"):
        for binary in (True, False):
            for named in (True, False):
                report(
                    f"http infer {packing} binary={binary} named={named}",
                    infer_http,
                    http,
                    face,
                    binary,
                    packing,
                    named,
                )
        report(f"grpc infer {packing}", infer_grpc, rpc, face, packing, "1")
    report("grpc stream", infer_stream, rpc, face)
    wide = np.repeat(np.repeat(face, 2, axis=2), 3, axis=3)
    report("http infer 192x288", lambda: infer_http(http, wide, True, None, True))
    report("http aio infer", lambda: asyncio.run(infer_aio(rest, face)))
    future = http.async_infer(MODEL, [make_input(face)])
    report("http async_infer", lambda: check_answer(future.get_result()))
    for name, client in (("http", http), ("grpc", rpc)):
        report(f"{name} load", client.load_model, MODEL)


def make_input(face: np.ndarray):
    tensor = over_http.InferInput("face", list(face.shape), "UINT8")
    tensor.set_data_from_numpy(face)
    return tensor


if __name__ == "__main__":
    call_all(int(sys.argv[1]), int(sys.argv[2]), np.load(sys.argv[3]))
