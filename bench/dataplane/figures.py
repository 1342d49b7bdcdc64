"""The data plane's figures: each function measures one and says what it found."""

import http.client
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from bench.dataplane.load import describe_times, make_request
from bench.dataplane.run import (
    Service,
    Services,
    find_ports,
    load,
    make_jpeg,
    read_cpu,
    read_pss,
    run_one,
    run_ours,
    start,
    write_body,
)
from predictor.engines import load_engine
from tools.v2_json import pack_faces

ROUNDS, CALLS = 12, 25  # what is compared takes turns, so that a slow moment hits all of it
CHECKPOINT = Path("models/simple_unet.pth")
PATH = "/v2/models/unet/infer"


def measure_cpu() -> dict:
    """Processor milliseconds and MB of a JPEG in each layout, and of a face by the predictor."""
    call = ["--body", write_body(make_jpeg()), "--type", "image/jpeg"]
    found: dict[str, dict] = {}
    for name, run in (("two services", run_ours), ("one process", run_one)):
        with run() as services:
            found[name] = spend(services, ["--to-rest", services[0].rest, *call], 600)
    return {"jpeg": found} | measure_faces()


def spend(services: Services, call: list, count: int) -> dict:
    """Let 64 callers ask so often; return the milliseconds per request of all services."""
    common = ["--clients", 64, "--warm", 0, "--seconds", 300]
    load(*call, *common, "--requests", max(10, count // 4))
    before = sum(read_cpu(service) for service in services)
    run = load(*call, *common, "--requests", count)
    spent = sum(read_cpu(service) for service in services) - before
    return {
        "cpu_ms": round(1000 * spent / count, 2),
        "pss_mb": round(sum(read_pss(service) for service in services)),
        "per_second": run["per_second"],
        "codes": run["codes"],
    }


def measure_faces() -> dict:
    """A face by the engine alone at its best batch, and one of 64 callers' over gRPC."""
    ports, served = find_ports(), {}
    with start("predictor", (ports.rest, ports.grpc), LANDMARKS_THREADS="1") as predictor:
        for faces, count in ((8, 400), (1, 3000)):
            call = ["--to-grpc", predictor.grpc, "--faces", faces]
            served[faces] = round(spend((predictor,), call, count)["cpu_ms"] / faces, 3)
    engine = load_engine("auto", CHECKPOINT, threads=1)
    alone = {}
    for batch in (1, 4, 8, 16):
        faces_ = np.load("predictor/golden_face.npy").repeat(batch, axis=0)
        engine.predict(faces_)
        begun = time.process_time()
        for _ in range(320 // batch):
            engine.predict(faces_)
        alone[batch] = round(1000 * (time.process_time() - begun) / 320, 3)
    best = min(alone.values())
    return {
        "engine": engine.name,
        "engine_cpu_ms_per_face": alone,
        "served_cpu_ms_per_face": served,
        "share_8": round(best / served[8], 3),
        "share_1": round(best / served[1], 3),
    }


def take_turns(calls: dict[str, Callable[[], object]]) -> dict[str, dict[str, float]]:
    """Time each call in turns; return medians and tails in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(ROUNDS + 1):
        for name, call in calls.items():
            for _ in range(CALLS):
                begun = time.perf_counter()
                call()
                if turn:  # the first one warms up
                    times[name].append(time.perf_counter() - begun)
    return {name: describe_times(seconds) for name, seconds in times.items()}


class Poster:
    """POSTs one body again and again on a kept connection."""

    def __init__(self, port: int, body: bytes, headers: dict[str, str]):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.body, self.headers = body, headers

    def __call__(self) -> None:
        self.connection.request("POST", PATH, self.body, self.headers)
        response = self.connection.getresponse()
        content = response.read()
        assert response.status == 200, content


def measure_latency() -> dict:
    """One caller: a face over its bare engine, and a JPEG over the sum of its bare stages."""
    from serving.settings import read_settings
    from transformer.faces import FaceFinder
    from transformer.settings import TransformerSettings

    engine, finder = load_engine("auto", CHECKPOINT), FaceFinder(read_settings(TransformerSettings))
    face, jpeg = np.load("predictor/golden_face.npy"), make_jpeg()
    with run_ours() as (transformer, predictor):
        channel = grpc.insecure_channel(f"127.0.0.1:{predictor.grpc}")
        stub, request = pb_grpc.GRPCInferenceServiceStub(channel), make_request(1)
        found = take_turns(
            {
                "engine": lambda: engine.predict(face),
                "grpc": lambda: stub.ModelInfer(request),
                "rest": Poster(predictor.rest, *pack_faces(face)),
                "stages": lambda: engine.predict(finder.detect_faces(jpeg, engine.landmarks).crops),
                "served": Poster(transformer.rest, jpeg, {"Content-Type": "image/jpeg"}),
            }
        )
    bare = found["engine"]["p50"]
    return {
        "engine": engine.name,
        "ms": found,
        "grpc_over_engine_ms": round(found["grpc"]["p50"] - bare, 3),
        "rest_over_engine_ms": round(found["rest"]["p50"] - bare, 3),
        "served_over_stages": round(found["served"]["p50"] / found["stages"]["p50"], 3),
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

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join()


def measure_overload(seconds: float = 60) -> dict:
    """Ten times what can be answered, for a minute: who is refused, how long the others wait."""
    call = ["--body", write_body(make_jpeg()), "--type", "image/jpeg"]
    with run_ours() as services:
        call += ["--to-rest", services[0].rest]
        calm = load(*call, "--clients", 16, "--seconds", 8)
        rss = [[round(service.read_memory(), 1) for service in services]]
        with HealthWatch(services[0]) as watch:
            found = load(*call, "--rate", 10 * calm["per_second"], "--seconds", seconds)
        rss.append([round(service.read_memory(), 1) for service in services])
    health = describe_times(watch.seconds)
    return {"calm": calm, "overload": found, "rss_mib": rss, "health_ms": health}


def measure_soak(count: int = 100_000) -> dict:
    """Many requests to a small network's predictor: memory after the first 5,000 and the last."""
    import torch

    from predictor.unet import UNet

    path = Path(tempfile.mkdtemp(prefix="bench-")) / "width4.pth"
    torch.save(UNet(base_width=4).state_dict(), path)
    ports = find_ports()
    with start("predictor", (ports.rest, ports.grpc), LANDMARKS_MODEL=str(path)) as predictor:
        call = ["--to-grpc", predictor.grpc, "--clients", 64, "--seconds", 3600, "--warm", 0]
        load(*call, "--requests", 5000)
        before = predictor.read_memory()
        found = load(*call, "--requests", count - 5000)
        after = predictor.read_memory()
    growth = round(100 * (after / before - 1), 2)
    return {"rss_mib": [round(before, 1), round(after, 1)], "growth_percent": growth, "run": found}
