"""One engine in a fresh process, which answers commands from stdin: started by bench.engine.ledger.

Commands are lines of JSON; answers are lines of JSON on stdout.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from bench.engine.engines import EXPORTED
from predictor.engines.golden import load_face
from predictor.engines.loading import open_model
from predictor.engines.manifest import read_manifest


def read_peak() -> float:
    """Read the process's peak resident memory, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def time_runs(engine, faces: np.ndarray, seconds: float) -> list[float]:
    """Time `locate`, uint8 faces to landmarks: milliseconds an image of each run."""
    engine.predict(faces)
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 3:
        begun = time.perf_counter()
        engine.predict(faces)
        times.append((time.perf_counter() - begun) * 1e3 / len(faces))
    return times


def main() -> None:
    """Load, say so, and serve commands until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--artifact", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    a = parser.parse_args()
    if a.artifact:  # serving's path imports no torch, and neither must the measured one
        if a.engine.startswith("int8-"):
            from bench.engine.variants import open_variant

            engine = open_variant(a.engine, a.artifact, a.threads)
        else:
            engine = open_model(
                EXPORTED[a.engine], a.artifact, read_manifest(a.artifact), a.threads
            )
    else:
        from bench.engine.torch_steps import TorchEngine

        engine = TorchEngine(a.engine, a.checkpoint, threads=a.threads)
    face = load_face(engine.landmarks.side)  # [1, 1, S, S]
    engine.predict(face)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        if "batch" in command:
            faces = face.repeat(command["batch"], axis=0)
            answer = {"ms": time_runs(engine, faces, command["seconds"]), "peak": read_peak()}
        else:
            faces = np.load(command["faces"])  # [N, 1, S, S] FP32
            maps = np.concatenate([engine.run(faces[i : i + 8]) for i in range(0, len(faces), 8)])
            np.save(command["out"], maps)
            answer = {}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
