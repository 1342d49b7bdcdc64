"""Measure every technique and write ledger.csv of this machine: see `make ledger`.

    python -m bench.engine.ledger --data FACES

Each row is a fresh process, loaded one after the other and then timed in turns, so
that a noisy moment hits all alike; ratios are inside one run, of medians, and of the
least times, which what else the machine does cannot lower. `weights` begins the SHA-256 of
the checkpoint: a row of a network that has been replaced since shows it. `--only student`
measures one network and keeps the rows of the others.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.csv_file import read_csv, write_csv
from bench.engine.networks import OUT, SHIPPED, STUDENT, find_export, make_wide
from bench.engine.techniques import STUDENT as STUDENT_TECHNIQUES
from bench.engine.techniques import TECHNIQUES, Technique
from bench.machine import results_folder
from predictor.decode import decode_heatmaps
from predictor.engines.manifest import hash_file
from predictor.export.calibration import load_labelled, measure_error
from predictor.landmarks import DEFAULT
from serving.cpus import count_cpus

NETWORKS = ("width 32", "width 64", "student")
BATCHES = (1, 4, 8)
REST = 0.25  # seconds between turns: OpenMP's threads spin for 0.2 s after their work


class Worker:
    """A process with one engine in it."""

    def __init__(self, network: str, technique: Technique, checkpoint: Path, export: Path | None):
        self.network, self.technique, self.export = network, technique, export
        self.weights = hash_file(checkpoint)[:12]
        command = [sys.executable, "-m", "bench.engine.worker", "--engine", technique.engine]
        command += ["--checkpoint", str(checkpoint)]
        command += ["--artifact", str(export)] if export else []
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.read()
        self.load_s = time.perf_counter() - begun
        self.times: dict[int, list[float]] = {batch: [] for batch in BATCHES}
        self.peaks: dict[int, float] = {}

    def read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.technique.engine} ended: run bench.engine.worker by hand")
        return json.loads(line)

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()
        return self.read()

    def time(self, batch: int, seconds: float) -> None:
        time.sleep(REST)
        answer = self.ask(batch=batch, seconds=seconds)
        self.times[batch] += answer["ms"]
        self.peaks.setdefault(batch, answer["peak"])

    def run(self, faces: Path) -> np.ndarray:
        out = OUT / "heatmaps.npy"
        self.ask(faces=str(faces), out=str(out))
        return np.load(out)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def measure_network(
    name: str, checkpoint: Path, techniques: tuple[Technique, ...], data: Path, rounds: int
) -> list[Worker]:
    """Load all techniques on one network and time them in turns."""
    exports = [find_export(t, checkpoint, data) for t in techniques]
    workers = []
    for technique, export in zip(techniques, exports, strict=True):
        workers.append(Worker(name, technique, checkpoint, export))
        print(f"{name}: {technique.name}: {workers[-1].load_s:.1f} s to load", flush=True)
    for batch in BATCHES:  # ascending, so that a peak is of this batch and those below
        for _ in range(rounds):
            for worker in workers:
                worker.time(batch, 0.25)
    return workers


def write_rows(workers: list[Worker], data: Path) -> list[dict[str, Any]]:
    """Turn workers into rows; the first worker is the reference of its network's accuracy."""
    faces, points = load_labelled(data, "canada", DEFAULT)  # [N, 1, S, S], [N, K, 2]
    file = OUT / "faces.npy"
    np.save(file, faces)
    reference = workers[0].run(file)
    trained = workers[0].network != "width 64"
    nme = measure_error(decode_heatmaps(reference)[0], points, DEFAULT)
    rows = []
    for worker in workers:
        maps = worker.run(file)
        error = float(abs(maps - reference).max() / abs(reference).max())
        mine = measure_error(decode_heatmaps(maps)[0], points, DEFAULT)
        for batch, times in worker.times.items():
            size = sum(p.stat().st_size for p in worker.export.iterdir()) if worker.export else 0
            row = {
                "network": worker.network,
                "weights": worker.weights,
                "technique": worker.technique.name,
                "kind": worker.technique.kind,
                "engine": worker.technique.engine,
                "threads": count_cpus(),
                "batch": batch,
                "ms_median": round(float(np.median(times)), 3),
                "ms_min": round(min(times), 3),
                "ms_max": round(max(times), 3),
                "images_per_s": round(1e3 / float(np.median(times)), 1),
                "x_eager": round(float(np.median(workers[0].times[batch]) / np.median(times)), 2),
                "x_eager_min": round(min(workers[0].times[batch]) / min(times), 2),
                "peak_mb": round(worker.peaks[batch]),
                "artefact_mb": round(size / 1e6, 1) or "",
                "load_s": round(worker.load_s, 2),
                "heatmap_error": "" if worker.network == "student" else f"{error:.1e}",
                "canada_nme": round(mine, 5) if trained else "",
                "canada_nme_change": f"{mine / nme - 1:+.4f}" if trained else "",
            }
            rows.append(row)
    return rows


def main() -> None:
    """Measure all networks and write the ledger."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of faces with index.csv")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=NETWORKS, nargs="+", default=NETWORKS)
    parser.add_argument("--out", type=Path, default=results_folder() / "ledger.csv")
    a = parser.parse_args()
    wide = tuple(t for t in TECHNIQUES if t.wide)
    before: list[dict[str, Any]] = [*read_csv(a.out)] if a.out.is_file() else []
    rows = {name: [row for row in before if row["network"] == name] for name in NETWORKS}
    for name in a.only:
        if name == "student":
            rows[name] = measure_student(a.data, a.rounds) if STUDENT.is_file() else []
            continue
        checkpoint = SHIPPED if name == "width 32" else make_wide(a.data)
        techniques = TECHNIQUES if name == "width 32" else wide
        workers = measure_network(name, checkpoint, techniques, a.data, a.rounds)
        rows[name] = write_rows(workers, a.data)
        for worker in workers:
            worker.close()
    columns = list(rows[a.only[0]][0])  # of what was just measured
    write_csv(a.out, [row for network in rows.values() for row in network], columns)
    print(a.out)


def measure_student(data: Path, rounds: int) -> list[dict[str, Any]]:
    """Measure the student beside the shipped network's eager engine, its reference for speed."""
    workers = [Worker("width 32", TECHNIQUES[0], SHIPPED, None)]
    for technique in STUDENT_TECHNIQUES:
        export = find_export(technique, STUDENT, data)
        workers.append(Worker("student", technique, STUDENT, export))
    for batch in BATCHES:
        for _ in range(rounds):
            for worker in workers:
                worker.time(batch, 0.25)
    rows = write_rows(workers, data)[len(BATCHES) :]
    for worker in workers:
        worker.close()
    return rows


if __name__ == "__main__":
    main()
