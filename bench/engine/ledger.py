"""Measure every engine on one network: python -m bench.engine.ledger --model FILE [--data FACES].

Each engine is a fresh process, loaded one after the other and then timed in turns, so that a noisy
moment hits all alike; ratios are inside one run. The reference is the author's own network where
torch is there, else the first engine that loads in fp32. An engine that this machine or the model
does not have is named with its reason. The ways that were tried and lost are rows of
bench/results; the tag v0.2-wide has their programs.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import write_table
from predictor.convert.faces import load_faces, load_labelled
from predictor.engines import ENGINES
from serving.landmarks import read_landmarks
from tools.command import command
from tools.processes import ROOT
from training.evaluate import measure_errors

BATCHES = (1, 4, 8)
REST = 0.25  # seconds between turns: OpenMP's threads spin for 0.2 s after their work
REFERENCES = ("author", "openvino", "onnxruntime")  # the first of these that loads


class Worker:
    """A process with one engine in it; `failed` says why there is none."""

    def __init__(self, engine: str, model: Path):
        self.engine = engine
        begun, words = time.perf_counter(), ["-m", "bench.engine.worker", engine, str(model)]
        pipes: dict[str, Any] = {"stdin": -1, "stdout": -1, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([sys.executable, *words], cwd=ROOT, text=True, **pipes)
        reply = self.read()
        self.failed = reply.get("failed", "")
        self.landmarks = reply.get("landmarks")
        self.size: tuple[int, int] = tuple(reply.get("size", (0, 0)))
        self.load_s = time.perf_counter() - begun
        self.times: dict[int, list[float]] = {batch: [] for batch in BATCHES}
        self.peaks: dict[int, float] = {}

    def read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"failed": "The process ended without a word."}

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin
        print(json.dumps(command), file=self.process.stdin, flush=True)
        reply = self.read()
        if "failed" in reply:
            raise RuntimeError(f"{self.engine}: {reply['failed']}")
        return reply

    def time(self, batch: int, seconds: float) -> None:
        time.sleep(REST)
        reply = self.ask(batch=batch, seconds=seconds)
        self.times[batch] += reply["ms"]
        self.peaks.setdefault(batch, reply["peak"])

    def locate(self, faces: Path | None, folder: Path) -> np.ndarray:
        """Return the points `[N,K,2]` of the faces of a file, or of the golden face."""
        out = folder / f"{self.engine}.npy"
        self.ask(faces=str(faces or ""), out=str(out))
        return np.load(out)

    def close(self) -> None:
        self.process.communicate()


def start_workers(model: Path) -> list[Worker]:
    """Load every engine that can be; say of each other why not."""
    workers = []
    for name in ("author", *ENGINES):
        worker = Worker(name, model)
        print(f"{name}: {worker.failed or f'{worker.load_s:.1f} s to load'}", flush=True)
        if worker.failed:
            worker.close()
        else:
            workers.append(worker)
    return workers


def measure(model: Path, data: Path | None, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Measure all engines: a row for each engine and batch."""
    workers = start_workers(model)
    if not workers:
        raise ValueError(f"No engine loads {model}.")
    try:
        for batch in BATCHES:  # ascending, so that a peak is of this batch and those below
            for _ in range(rounds):
                for worker in workers:
                    worker.time(batch, seconds)
        return write_rows(workers, model, data)
    finally:
        for worker in workers:
            worker.close()


def read_data(data: Path, worker: Worker) -> tuple[np.ndarray, np.ndarray]:
    """Read faces `[N,C,H,W]` of a folder and their points `[N,K,2]`: those that are held out.

    Without such all faces are taken, and no points.
    """
    landmarks = read_landmarks(worker.landmarks, worker.engine)
    faces, points = load_labelled(data, landmarks, worker.size)
    return (faces if len(faces) else load_faces(data, landmarks, worker.size)), points


def write_rows(workers: list[Worker], model: Path, data: Path | None) -> list[dict[str, Any]]:
    """Turn workers into rows, with how far their points lie from the reference's and the labels."""
    names = [worker.engine for worker in workers]
    first = next((name for name in REFERENCES if name in names), names[0])
    reference = workers[names.index(first)]
    unit = read_landmarks(reference.landmarks, first).unit_points
    with tempfile.TemporaryDirectory() as name:
        folder, file, truth = Path(name), None, np.empty(0)
        if data:
            file = folder / "faces.npy"
            faces, truth = read_data(data, reference)
            np.save(file, faces)
        points = {worker.engine: worker.locate(file, folder) for worker in workers}
    rows = []
    for worker in workers:
        moved = np.linalg.norm(points[worker.engine] - points[first], axis=2)  # [N, K]
        error: float | str = ""
        if len(truth):
            errors = measure_errors(points[worker.engine], truth, unit)
            error = round(100 * float(errors.faces.mean()), 2)
        for batch, times in worker.times.items():
            middle = float(np.median(times))
            row = {
                "model": model.name,
                "engine": worker.engine,
                "batch": batch,
                "ms_median": round(middle, 3),
                "ms_min": round(min(times), 3),
                "faces_per_s": round(1e3 / middle, 1),
                f"x_{first}": round(float(np.median(reference.times[batch])) / middle, 2),
                "peak_mb": round(worker.peaks[batch]),
                "load_s": round(worker.load_s, 2),
                "px_mean": round(float(moved.mean()), 4),
                "px_max": round(float(moved.max()), 3),
                "nme_percent": error,
            }
            rows.append(row)
    return rows


def main() -> None:
    """Measure by a command line, print the table and write it."""
    data = {"type": Path, "help": "folder of 30 and more faces, with labels or without"}
    out = {"type": Path, "help": "the .csv to write"}
    turns = {"rounds": 5, "seconds": 0.25}  # turns of each engine and batch, and their length
    model = Path("models/simple_unet.pth")
    with command(__doc__, None, model=model, data=data, out=out, **turns) as asked:
        rows = measure(asked.model, asked.data, asked.rounds, asked.seconds)
        for row in (rows[0], *map(dict.values, rows)):
            print(" ".join(f"{value!s:>13}" for value in row))
        write_table(asked.out or Path(f"out/ledger-{asked.model.stem}.csv"), rows)


if __name__ == "__main__":
    main()
