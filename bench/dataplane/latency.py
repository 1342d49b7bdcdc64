"""What serving costs one caller: each figure beside what it is compared with, in turns."""

import http.client
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from bench.dataplane.load import describe_times, make_request
from bench.dataplane.run import find_ports, make_jpeg, run_ours, start
from tools.v2_json import pack_faces

ROUNDS, CALLS = 12, 25  # what is compared takes turns, so that a slow moment hits all of it
CHECKPOINT = "models/simple_unet.pth"
PATH = "/v2/models/unet/infer"


def take_turns(calls: dict[str, Callable[[], object]]) -> dict[str, dict[str, float]]:
    """Time each call in turns; gives medians and tails in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(5):
            call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            for _ in range(CALLS):
                begun = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - begun)
    return {name: describe_times(seconds) for name, seconds in times.items()}


class Poster:
    """POSTs one body again and again on a kept connection."""

    def __init__(self, port: int, body: bytes, headers: dict[str, str]):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.body, self.headers = body, headers

    def __call__(self) -> bytes:
        self.connection.request("POST", PATH, self.body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return content


def measure_overhead() -> dict:
    """The predictor over its bare engine: one client, one uint8 face, landmarks back."""
    from predictor.engines import load_engine

    engine = load_engine("auto", Path(CHECKPOINT))
    face = np.load("predictor/golden_face.npy")
    ports = find_ports()
    predictor = start("predictor", (ports.rest, ports.grpc))
    try:
        channel = grpc.insecure_channel(f"127.0.0.1:{predictor.grpc}")
        stub, request = pb_grpc.GRPCInferenceServiceStub(channel), make_request(1)
        rest = Poster(predictor.rest, *pack_faces(face))
        found = take_turns(
            {
                "engine": lambda: engine.predict(face),
                "grpc": lambda: stub.ModelInfer(request),
                "grpc, nothing in it": lambda: stub.ServerLive(pb.ServerLiveRequest()),
                "rest": rest,
            }
        )
    finally:
        predictor.stop()
    bare = found["engine"]["p50"]
    return {
        "engine": engine.name,
        "ms": found,
        "grpc_over_engine_ms": round(found["grpc"]["p50"] - bare, 3),
        "rest_over_engine_ms": round(found["rest"]["p50"] - bare, 3),
    }


def measure_chain() -> dict:
    """One JPEG, 640x480 with one face, through both services against the sum of its bare stages."""
    from predictor.engines import load_engine
    from serving.settings import read_settings
    from transformer.faces import FaceFinder
    from transformer.settings import TransformerSettings

    engine, finder = (
        load_engine("auto", Path(CHECKPOINT)),
        FaceFinder(read_settings(TransformerSettings)),
    )
    jpeg = make_jpeg()

    def do_stages() -> None:
        engine.predict(finder.detect_faces(jpeg, engine.landmarks).crops)

    with run_ours() as (_, transformer):
        served = Poster(transformer.rest, jpeg, {"Content-Type": "image/jpeg"})
        found = take_turns({"stages": do_stages, "served": served})
        answer = requests.post(
            transformer.url + PATH, data=jpeg, headers={"Content-Type": "image/jpeg"}
        )
    return {
        "ms": found,
        "served_over_stages": round(found["served"]["p50"] / found["stages"]["p50"], 3),
        "server_timing": answer.headers["server-timing"],
    }
