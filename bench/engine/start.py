"""How soon the predictor is ready, and how much memory it takes, engine by engine.

    python -m bench.engine.start

starts `python -m predictor` in turns with each engine, asks it for 50 answers, and
sets the seconds beside those of a bare `import kserve`. Writes bench/results/xeon-amx/start.csv.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import requests

from bench.machine import results_folder
from predictor.engines.golden import GOLDEN_FACE
from tools.processes import find_ports, start_service, wait_ready
from tools.v2_json import face_tensor

ENGINES = ("openvino-int8", "openvino-bf16", "eager")


def time_import() -> float:
    """Seconds of a fresh process that imports kserve and ends."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import kserve"], check=True)
    return time.perf_counter() - begun


def start(engine: str, artifact: Path | None, asks: int) -> tuple[float, float]:
    """Start a predictor, ask it, end it: seconds until ready, and peak resident MB."""
    ports = find_ports()
    settings = {"LANDMARKS_ENGINE": engine}
    if artifact:
        settings["LANDMARKS_ARTIFACT"] = str(artifact)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as logs:
        service = start_service("predictor", ports.rest, ports.grpc, Path(logs), settings)
        try:
            wait_ready(service)
            seconds = time.perf_counter() - begun
            ask(f"{service.url}/v2", asks)
            peak = service.read_memory("VmHWM")
        finally:
            service.stop()
    return seconds, peak


def ask(url: str, times: int) -> None:
    face = np.load(GOLDEN_FACE)  # [1, 1, H, H], which the predictor resizes
    body = {"inputs": [face_tensor(face)]}
    for _ in range(times):
        answer = requests.post(f"{url}/models/unet/infer", json=body, timeout=60)
        answer.raise_for_status()


def main() -> None:
    """Measure in turns and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", type=Path, help="an openvino-bf16 export to start from")
    parser.add_argument("--out", type=Path, default=results_folder() / "start.csv")
    a = parser.parse_args()
    imports: list[float] = []
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ENGINES}
    for _ in range(a.rounds):
        imports.append(time_import())
        for name in ENGINES:
            artifact = a.bf16 if name == "openvino-bf16" else None
            found[name].append(start(name, artifact, 50))
    bare = median(imports)
    with a.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["engine", "ready_s", "over_import_kserve_s", "peak_mb"])
        writer.writerow(["(import kserve)", round(bare, 2), 0, ""])
        for name, pairs in found.items():
            ready, peak = (median(values) for values in zip(*pairs, strict=True))
            writer.writerow([name, round(ready, 2), round(ready - bare, 2), round(peak)])
    print(a.out.read_text(), end="")


if __name__ == "__main__":
    main()
