"""Find the threads and the batch with which an artifact is fastest on this machine.

Both are written into the artifact's manifest, and count wherever as many CPUs may be used; on
other machines the engine takes one thread per CPU.
"""

import time
from pathlib import Path

from predictor.engines.artifact import open_artifact
from predictor.engines.base import Engine, FaceArray
from predictor.engines.golden import load_face
from predictor.manifest import Manifest, read_manifest, write_manifest
from serving.cpus import count_cpus

# What the service spends on a run is shared by its faces, which this timing doesn't see: at 64
# callers a face took 13.7 ms of processor time in runs of one, 9.2 in runs of 4 and 8.4 of 16
# (EPYC, gRPC, one process). So no run is smaller, whatever a busy machine makes of the timing.
BATCHES = (4, 8, 16)
SECONDS = 0.6  # of each candidate
SLOWER = 1.1  # what a face of a larger run may take more


def tune_artifact(folder: Path) -> Manifest:
    """Time threads at batch 1, then batches at the best; write them into the manifest."""
    manifest = read_manifest(folder)
    face = load_face(manifest.size, manifest.channels)  # [1, C, H, W]
    cpus = count_cpus()
    counts = {2**i for i in range(cpus.bit_length())} | {cpus}  # powers of two up to the CPUs
    singles = {t: open_artifact(folder, manifest, threads=t) for t in sorted(counts)}
    times = time_engines({t: (engine, face) for t, engine in singles.items()})
    threads = min(times, key=lambda t: times[t])
    engine = singles[threads]
    batches = {b: (engine, face.repeat(b, axis=0)) for b in BATCHES}
    each = {b: seconds / b for b, seconds in time_engines(batches).items()}
    # The largest batch whose faces are hardly slower than the fastest's.
    best = max(batch for batch in BATCHES if each[batch] <= min(each.values()) * SLOWER)
    tuned = {"threads": threads, "max_batch": best, "cpus": cpus}
    manifest = manifest.model_copy(update=tuned)
    write_manifest(folder, manifest)
    return manifest


def time_engines(work: dict[int, tuple[Engine, FaceArray]]) -> dict[int, float]:
    """Time each engine on its faces, in turns, so that a noisy moment hits all alike.

    Gives the least seconds of a run: what else the machine does only ever adds to them.
    """
    for engine, faces in work.values():
        engine.predict(faces)
    times: dict[int, list[float]] = {key: [] for key in work}
    until = time.perf_counter() + SECONDS * len(work)
    while time.perf_counter() < until:
        for key, (engine, faces) in work.items():
            begun = time.perf_counter()
            engine.predict(faces)
            times[key].append(time.perf_counter() - begun)
    return {key: min(seconds) for key, seconds in times.items()}
