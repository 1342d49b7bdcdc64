"""Every call of Triton's clients, against one running service; run by test_clients.py.

    python triton.py REST_PORT GRPC_PORT face.npy

Prints each call's name and "ok", or what it raised.
"""

import asyncio
import itertools
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


def make_input(kind, face: np.ndarray, **how):
    tensor = kind.InferInput("face", list(face.shape), "UINT8")
    tensor.set_data_from_numpy(face, **how)
    return tensor


def infer_http(client, face: np.ndarray, binary: bool, packing: str | None, named: bool) -> bool:
    names = ("landmarks", "scores") if named else ()
    outputs = [over_http.InferRequestedOutput(name, binary_data=binary) for name in names]
    packed = {f"{side}_compression_algorithm": packing for side in ("request", "response")}
    tensor = make_input(over_http, face, binary_data=binary)
    answer = client.infer(MODEL, [tensor], outputs=outputs or None, request_id="r-7", **packed)
    return check_answer(answer) and answer.get_response()["id"] == "r-7"


def infer_grpc(client, face: np.ndarray, packing: str | None, version: str) -> bool:
    outputs = [over_grpc.InferRequestedOutput(name) for name in ("landmarks", "scores")]
    more = {"request_id": "r-7", "compression_algorithm": packing}
    answer = client.infer(MODEL, [make_input(over_grpc, face)], version, outputs, **more)
    return check_answer(answer) and answer.get_response().id == "r-7"


def infer_stream(client, face: np.ndarray) -> bool:
    """Send a request, a wrong one and another over one stream: answers come in this order."""
    answers: queue.Queue = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    for number, model in enumerate((MODEL, "none", MODEL)):
        client.async_stream_infer(model, [make_input(over_grpc, face)], request_id=f"r-{number}")
    (first, _), (_, error), (last, _) = [answers.get(timeout=20) for _ in range(3)]
    client.stop_stream()
    ids = [answer.get_response().id for answer in (first, last)]
    return check_answer(first) and ids == ["r-0", "r-2"] and "not served here" in str(error)


def check_answer(answer) -> bool:
    points = answer.as_numpy("landmarks")
    return points.shape == (1, 15, 2) and answer.as_numpy("scores").shape == (1, 15)


async def infer_aio(port: int, face: np.ndarray) -> bool:
    async with over_aio.InferenceServerClient(f"127.0.0.1:{port}") as client:
        return check_answer(await client.infer(MODEL, [make_input(over_aio, face)]))


def call_all(rest: int, grpc: int, face: np.ndarray) -> None:
    http = over_http.InferenceServerClient(f"127.0.0.1:{rest}")
    rpc = over_grpc.InferenceServerClient(f"127.0.0.1:{grpc}")
    manage("http", http)
    manage("grpc", rpc)
    for packing in (None, "gzip", "deflate"):
        for binary, named in itertools.product((True, False), repeat=2):
            name = f"http infer {packing} binary={binary} named={named}"
            report(name, infer_http, http, face, binary, packing, named)
        report(f"grpc infer {packing}", infer_grpc, rpc, face, packing, "1")
    report("grpc stream", infer_stream, rpc, face)
    wide = np.repeat(np.repeat(face, 2, axis=2), 3, axis=3)
    report("http infer 192x288", lambda: infer_http(http, wide, True, None, True))
    report("http aio infer", lambda: asyncio.run(infer_aio(rest, face)))
    future = http.async_infer(MODEL, [make_input(over_http, face)])
    report("http async_infer", lambda: check_answer(future.get_result()))
    for name, client in (("http", http), ("grpc", rpc)):
        report(f"{name} load", client.load_model, MODEL)


if __name__ == "__main__":
    call_all(int(sys.argv[1]), int(sys.argv[2]), np.load(sys.argv[3]))
