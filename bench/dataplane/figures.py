"""The data plane's figures: each function measures one and says what it found."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from bench.dataplane.load import PATH, describe_times, load, make_request
from bench.dataplane.run import BOTH, ONE, Services, make_folder, read_cpu, read_memory, run
from loadtest.pictures import make_portrait
from predictor.engines import load_engine
from tools.v2_json import pack_faces

ROUNDS, CALLS = 12, 25  # what is compared takes turns, so that a slow moment hits all of it
JPEG = make_portrait(640, 480).content  # one face
CHECKPOINT = Path("models/simple_unet.pth")


def measure_cpu() -> dict:
    """Processor milliseconds and MB of a JPEG in each layout, and of a face by the predictor."""
    found: dict[str, dict] = {}
    for name, names in (("two services", BOTH), ("one process", ONE)):
        with run(*names) as services:
            found[name] = spend(services, services[0].rest, 600, body=JPEG)
    return {"jpeg": found} | measure_faces()


def spend(services: Services, port: int, count: int, **what: Any) -> dict:
    """Let 64 callers ask so often; return the milliseconds per request of all services."""
    ask = partial(load, port, **what, clients=64, warm=0, seconds=300)
    ask(requests=max(10, count // 4))
    before = read_cpu(services)
    found = ask(requests=count)
    return {
        "cpu_ms": round(1000 * (read_cpu(services) - before) / count, 2),
        "pss_mb": round(sum(read_memory(services, "pss"))),
        "per_second": found["per_second"],
        "codes": found["codes"],
    }


def measure_faces() -> dict:
    """A face by the engine alone at its best batch, and one of 64 callers' over gRPC."""
    served, alone = {}, {}
    with run("predictor", LANDMARKS_THREADS="1") as predictor:
        for faces, count in ((8, 400), (1, 3000)):
            spent = spend(predictor, predictor[0].grpc, count, faces=faces)
            served[faces] = round(spent["cpu_ms"] / faces, 3)
    engine = load_engine("auto", CHECKPOINT, threads=1)
    for batch in (1, 4, 8, 16):
        given = np.load("predictor/golden_face.npy").repeat(batch, axis=0)
        engine.predict(given)
        begun = time.process_time()
        for _ in range(320 // batch):
            engine.predict(given)
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


def make_caller(port: int, body: bytes, headers: dict[str, str]) -> Callable[[], None]:
    """Make what POSTs a body on a kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def post() -> None:
        connection.request("POST", PATH, body, headers)
        response = connection.getresponse()
        content = response.read()
        assert response.status == 200, content

    return post


def measure_latency() -> dict:
    """One caller: a face over its bare engine, and a JPEG over the sum of its bare stages."""
    from serving.settings import read_settings
    from transformer.faces import FaceFinder
    from transformer.settings import TransformerSettings

    engine, finder = load_engine("auto", CHECKPOINT), FaceFinder(read_settings(TransformerSettings))
    face = np.load("predictor/golden_face.npy")
    with run(*BOTH) as (transformer, predictor):
        channel = grpc.insecure_channel(f"127.0.0.1:{predictor.grpc}")
        stub, request = pb_grpc.GRPCInferenceServiceStub(channel), make_request(1)
        found = take_turns(
            {
                "engine": lambda: engine.predict(face),
                "grpc": lambda: stub.ModelInfer(request),
                "rest": make_caller(predictor.rest, *pack_faces(face)),
                "stages": lambda: engine.predict(finder.detect_faces(JPEG, engine.landmarks).crops),
                "served": make_caller(transformer.rest, JPEG, {"Content-Type": "image/jpeg"}),
            }
        )
    middle = {name: times["p50"] for name, times in found.items()}
    return {
        "engine": engine.name,
        "ms": found,
        "grpc_over_engine_ms": round(middle["grpc"] - middle["engine"], 3),
        "rest_over_engine_ms": round(middle["rest"] - middle["engine"], 3),
        "served_over_stages": round(middle["served"] / middle["stages"], 3),
    }


@contextmanager
def watch_health(port: int) -> Iterator[list[float]]:
    """Ask /v2/health/live every 20 ms from a thread while the block lasts; gives the seconds."""
    seconds, stopped = list[float](), threading.Event()

    def watch() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not stopped.wait(0.02):
            begun = time.perf_counter()
            connection.request("GET", "/v2/health/live")
            connection.getresponse().read()
            seconds.append(time.perf_counter() - begun)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seconds
    finally:
        stopped.set()
        thread.join()


def measure_overload(seconds: float = 60) -> dict:
    """Ten times what can be answered, for a minute: who is refused, how long the others wait."""
    with run(*BOTH) as services:
        post = partial(load, services[0].rest, body=JPEG)
        calm = post(clients=16, seconds=8)
        rss = [read_memory(services)]
        with watch_health(services[0].rest) as waited:
            found = post(rate=10 * calm["per_second"], seconds=seconds)
        rss.append(read_memory(services))
    return {"calm": calm, "overload": found, "rss_mib": rss, "health_ms": describe_times(waited)}


def measure_soak(count: int = 100_000) -> dict:
    """Many requests to a small network's predictor: memory after the first 5,000 and the last."""
    import torch

    from predictor.unet import UNet

    path = make_folder() / "width4.pth"
    torch.save(UNet(base_width=4).state_dict(), path)
    with run("predictor", LANDMARKS_MODEL=str(path)) as predictor:
        ask = partial(load, predictor[0].grpc, faces=1, clients=64, seconds=3600, warm=0)
        ask(requests=5000)
        (before,) = read_memory(predictor)
        found = ask(requests=count - 5000)
        (after,) = read_memory(predictor)
    growth = round(100 * (after / before - 1), 2)
    return {"rss_mib": [before, after], "growth_percent": growth, "run": found}
