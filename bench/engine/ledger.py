"""Measure every engine on one network: python -m bench.engine.ledger --model FILE [--data FACES].

Each engine is a fresh process, loaded one after the other and then timed in turns, so that a noisy
moment hits all alike; ratios are inside one run. The reference is the author's own network where
torch is there, else the first engine that loads in fp32. An engine that this machine or the model
does not have is named with its reason. The ways that were tried and lost are rows of
bench/results; the tag v0.2-wide has their programs.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from bench.engine import worker
from bench.machine import write_table
from predictor.convert.faces import load_faces, load_labelled, measure_errors
from predictor.engines import ENGINES
from tools.command import command

BATCHES = (1, 4, 8)
REST = 0.25  # seconds between turns: OpenMP's threads spin for 0.2 s after their work
REFERENCES = ("author", "openvino", "onnxruntime")  # the first of these that loads


class Worker:
    """A process with one engine in it; `failed` says why there is none."""

    def __init__(self, engine: str, model: Path):
        self.engine, self.failed, begun = engine, "", time.perf_counter()
        self.pool = ProcessPoolExecutor(1, get_context("spawn"), worker.silence)
        try:
            found = self.call(worker.load, engine, model)
        except BrokenProcessPool:
            found = "The process ended without a word."
        if isinstance(found, str):
            self.failed = found
        else:
            self.landmarks, self.size = found
        self.load_s = time.perf_counter() - begun
        self.times: dict[int, list[float]] = {batch: [] for batch in BATCHES}
        self.peaks: dict[int, float] = {}

    def call(self, function: Any, *words: Any) -> Any:
        return self.pool.submit(function, *words).result()

    def time(self, batch: int, seconds: float) -> None:
        time.sleep(REST)
        times, peak = self.call(worker.time_batch, batch, seconds)
        self.times[batch] += times
        self.peaks.setdefault(batch, peak)


def measure(model: Path, data: Path | None, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Measure all engines that can be loaded: a row for each engine and batch."""
    with ExitStack() as running:
        workers = []
        for name in ("author", *ENGINES):
            one = Worker(name, model)
            print(f"{name}: {one.failed or f'{one.load_s:.1f} s to load'}", flush=True)
            if one.failed:
                one.pool.shutdown()
            else:
                running.enter_context(one.pool)
                workers.append(one)
        if not workers:
            raise ValueError(f"No engine loads {model}.")
        for batch in BATCHES:  # ascending, so that a peak is of this batch and those below
            for _ in range(rounds):
                for one in workers:
                    one.time(batch, seconds)
        return write_rows(workers, model, data)


def write_rows(workers: list[Worker], model: Path, data: Path | None) -> list[dict[str, Any]]:
    """Turn workers into rows, with how far their points lie from the reference's and the labels."""
    names = [one.engine for one in workers]
    first = next((name for name in REFERENCES if name in names), names[0])
    reference = workers[names.index(first)]
    faces, truth, how = None, np.empty(0, np.float32), (reference.landmarks, reference.size)
    if data:  # its faces [N, C, H, W] that are held out, and their points [N, K, 2]; else all
        faces, truth = load_labelled(data, *how)
        faces = faces if len(faces) else load_faces(data, *how)
    points = {one.engine: one.call(worker.locate, faces) for one in workers}  # [N, K, 2] each
    rows = []
    for one in workers:
        found = points[one.engine]
        moved = np.linalg.norm(found - points[first], axis=2)  # [N, K]
        unit = reference.landmarks.unit_points
        error = measure_errors(found, truth, unit).mean() if len(truth) else None
        for batch, times in one.times.items():
            middle = float(np.median(times))
            row = {
                "model": model.name,
                "engine": one.engine,
                "batch": batch,
                "ms_median": round(middle, 3),
                "ms_min": round(min(times), 3),
                "faces_per_s": round(1e3 / middle, 1),
                f"x_{first}": round(float(np.median(reference.times[batch])) / middle, 2),
                "peak_mb": round(one.peaks[batch]),
                "load_s": round(one.load_s, 2),
                "px_mean": round(float(moved.mean()), 4),
                "px_max": round(float(moved.max()), 3),
                "nme_percent": "" if error is None else round(100 * error, 2),
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
