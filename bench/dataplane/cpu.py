"""What a request costs in processor time, which neighbours on the machine hardly change."""

import json
import time
from pathlib import Path

import numpy as np

from bench.dataplane.run import (
    Service,
    find_ports,
    load,
    make_jpeg,
    run_ours,
    run_stock,
    start,
    write_body,
)
from bench.usage import read_cpu
from tools.v2_json import image_tensor

CHECKPOINT = Path("models/simple_unet.pth")


def measure_cpu() -> dict:
    """Processor milliseconds a JPEG through both services, and a face of the predictor's alone."""
    jpeg = make_jpeg()
    text = json.dumps({"inputs": [image_tensor(jpeg)]}).encode()
    found: dict[str, dict] = {}
    for name, run, body, kind, count in (
        ("ours", run_ours, jpeg, "image/jpeg", 600),
        ("stock", run_stock, text, "application/json", 40),
    ):
        with run() as services:
            call = ["--to-rest", services[1].rest, "--body", write_body(body), "--type", kind]
            found[name] = spend(services, call, count)
    return {"jpeg": found} | measure_faces()


def spend(services: tuple[Service, ...], call: list, count: int) -> dict:
    """Let 64 callers ask so often; give the milliseconds a request of each service."""
    common = ["--clients", 64, "--warm", 0, "--seconds", 300]
    load(*call, *common, "--requests", max(10, count // 4))
    before = [read_cpu(service.process.pid) for service in services]
    run = load(*call, *common, "--requests", count)
    spent = zip(services, before, strict=True)
    return {
        "cpu_ms": {
            s.name: round(1000 * (read_cpu(s.process.pid) - b) / count, 2) for s, b in spent
        },
        "per_second": run["per_second"],
        "codes": run["codes"],
    }


def measure_faces() -> dict:
    """A face by the engine alone at its best batch, and one of 64 callers' over gRPC."""
    from predictor.engines import load_engine

    ports = find_ports()
    predictor = start("predictor", (ports.rest, ports.grpc), LANDMARKS_THREADS="1")
    served = {}
    try:
        for faces, count in ((8, 400), (1, 3000)):
            call = ["--to-grpc", predictor.grpc, "--faces", faces]
            run = spend((predictor,), call, count)
            served[faces] = round(run["cpu_ms"]["predictor"] / faces, 3)
    finally:
        predictor.stop()
    engine = load_engine("auto", CHECKPOINT, threads=1)
    alone = {}
    for batch in (1, 4, 8, 16):
        faces = np.load("predictor/golden_face.npy").repeat(batch, axis=0)
        engine.predict(faces)
        begun = time.process_time()
        for _ in range(320 // batch):
            engine.predict(faces)
        alone[batch] = round(1000 * (time.process_time() - begun) / 320, 3)
    best = min(alone.values())
    return {
        "engine": engine.name,
        "engine_cpu_ms_a_face": alone,
        "served_cpu_ms_a_face": served,
        "share_8": round(best / served[8], 3),
        "share_1": round(best / served[1], 3),
    }
