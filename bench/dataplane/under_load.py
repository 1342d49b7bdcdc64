"""What serving does under load: beside the bare engine, beside the samples, at ten times it."""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.dataplane.load import describe_times
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
from tools.v2_json import image_tensor

ENGINE_ALONE = """
import json, sys, time, numpy as np
from predictor.engines import load_engine
engine = load_engine("auto", sys.argv[1], threads=1)
face = np.load("predictor/golden_face.npy")
best = {}
for batch in (1, 2, 4, 8, 16):
    faces = face.repeat(batch, axis=0)
    engine.predict(faces)
    begun, runs = time.perf_counter(), 0
    while time.perf_counter() - begun < 3:
        engine.predict(faces); runs += 1
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
    stock_body = write_body(json.dumps({"inputs": [image_tensor(jpeg)]}).encode())
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
