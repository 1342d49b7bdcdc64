"""The data plane's figures, each measured beside what it is compared with."""

import base64
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from bench.dataplane.load import describe_times, make_request
from bench.dataplane.run import (
    ROOT,
    Service,
    find_ports,
    load,
    make_jpeg,
    run_ours,
    run_stock,
    start,
    write_body,
)

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
        tensor = {
            "name": "face",
            "datatype": "UINT8",
            "shape": face.shape,
            "parameters": {"binary_data_size": face.nbytes},
        }
        head = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
        text = json.dumps(head).encode()
        rest = Poster(
            predictor.rest,
            text + face.tobytes(),
            {"Inference-Header-Content-Length": str(len(text))},
        )
        found = take_turns(
            {
                "engine": lambda: engine.locate(face),
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


ENGINE_ALONE = """
import json, sys, time, numpy as np
from predictor.engines import load_engine
engine = load_engine("auto", sys.argv[1], threads=1)
face = np.load("predictor/golden_face.npy")
best = {}
for batch in (1, 2, 4, 8, 16):
    faces = face.repeat(batch, axis=0)
    engine.locate(faces)
    begun, runs = time.perf_counter(), 0
    while time.perf_counter() - begun < 3:
        engine.locate(faces); runs += 1
    best[batch] = round(runs * batch / (time.perf_counter() - begun), 2)
print(json.dumps({"engine": engine.name, "faces_per_second": best}))
"""


def measure_pinned(seconds: float = 10) -> dict:
    """The predictor on one core, 64 clients on the other, width 64: what is left of the engine."""
    import torch

    from predictor.unet import UNet

    torch.manual_seed(0)
    path = Path(tempfile.mkdtemp(prefix="bench-")) / "width64.pth"
    torch.save(UNet(base_width=64).state_dict(), path)

    def run_engine() -> dict:
        command = ["taskset", "-c", "0", sys.executable, "-c", ENGINE_ALONE, str(path)]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True, start_new_session=True
        )
        return json.loads(done.stdout.splitlines()[-1])

    before = run_engine()
    ports = find_ports()
    settings = {"LANDMARKS_MODEL": str(path), "LANDMARKS_THREADS": "1"}
    predictor = start("predictor", (ports.rest, ports.grpc), cpus="0", **settings)
    try:
        runs = {
            faces: load(
                *("--to-grpc", predictor.grpc, "--clients", 64, "--faces", faces),
                *("--seconds", seconds, "--warm", 3),
                cpus="1",
            )
            for faces in (8, 1)
        }
    finally:
        predictor.stop()
    after = run_engine()
    best = statistics.mean(max(e["faces_per_second"].values()) for e in (before, after))
    return {
        "engine": before["engine"],
        "engine_alone": [before["faces_per_second"], after["faces_per_second"]],
        "served": {f"{faces} a call": run for faces, run in runs.items()},
        "share_8": round(8 * runs[8]["per_second"] / best, 3),
        "share_1": round(runs[1]["per_second"] / best, 3),
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
        engine.locate(finder.find_faces(jpeg, engine.landmarks).crops)

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


class HealthWatch:
    """Asks /v2/health/live every 20 ms, from a thread, while others load."""

    def __init__(self, service: Service):
        self.port, self.seconds = service.rest, list[float]()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stopped.wait(0.02):
            begun = time.perf_counter()
            connection.request("GET", "/v2/health/live")
            connection.getresponse().read()
            self.seconds.append(time.perf_counter() - begun)

    def __enter__(self) -> "HealthWatch":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopped.set()
        self.thread.join()


def measure_stock(seconds: float = 10, rounds: int = 2) -> dict:
    """64 clients with a JPEG each against ours and against the samples', in turns."""
    jpeg = make_jpeg()
    ours_body = write_body(jpeg)
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1]}
    tensor["data"] = [base64.b64encode(jpeg).decode()]
    stock_body = write_body(json.dumps({"inputs": [tensor]}).encode())
    runs: dict[str, list[dict]] = {"ours": [], "stock": []}
    health: dict[str, list[float]] = {"ours": [], "stock": []}
    common = ["--clients", 64, "--seconds", seconds, "--warm", 2]
    for _ in range(rounds):
        for name, run, body, kind in (
            ("ours", run_ours, ours_body, "image/jpeg"),
            ("stock", run_stock, stock_body, "application/json"),
        ):
            with run() as (_, transformer), HealthWatch(transformer) as watch:
                call = ["--to-rest", transformer.rest, "--body", body, "--type", kind]
                runs[name].append(load(*call, *common))
            health[name] += watch.seconds
    rates = {name: statistics.mean(r["per_second"] for r in found) for name, found in runs.items()}
    return {
        "per_second": rates,
        "times_stock": round(rates["ours"] / rates["stock"], 1),
        "health_ms": {name: describe_times(found) for name, found in health.items()},
        "runs": runs,
    }


def measure_overload(seconds: float = 60) -> dict:
    """Ten times what can be answered, for a minute: who is refused, how long the others wait."""
    body = write_body(make_jpeg())
    call = ["--body", body, "--type", "image/jpeg"]
    with run_ours() as services:
        _, transformer = services
        calm = load("--to-rest", transformer.rest, *call, "--clients", 16, "--seconds", 8)
        rss = [[round(service.read_memory(), 1) for service in services]]
        with HealthWatch(transformer) as watch:
            rate = 10 * calm["per_second"]
            found = load("--to-rest", transformer.rest, *call, "--rate", rate, "--seconds", seconds)
        rss.append([round(service.read_memory(), 1) for service in services])
    return {
        "calm": calm,
        "overload": found,
        "rss_mib": rss,
        "health_ms": describe_times(watch.seconds),
    }


def measure_soak(requests_: int = 100_000) -> dict:
    """Many requests to a small network's predictor: memory after the first 5,000 and the last."""
    import torch

    from predictor.unet import UNet

    path = Path(tempfile.mkdtemp(prefix="bench-")) / "width4.pth"
    torch.save(UNet(base_width=4).state_dict(), path)
    ports = find_ports()
    predictor = start("predictor", (ports.rest, ports.grpc), LANDMARKS_MODEL=str(path))
    try:
        call = ["--to-grpc", predictor.grpc, "--clients", 64, "--seconds", 3600, "--warm", 0]
        load(*call, "--requests", 5000)
        before = predictor.read_memory()
        found = load(*call, "--requests", requests_ - 5000)
        after = predictor.read_memory()
    finally:
        predictor.stop()
    growth = round(100 * (after / before - 1), 2)
    return {"rss_mib": [round(before, 1), round(after, 1)], "growth_percent": growth, "run": found}
