"""One engine in a fresh process, which reads commands from stdin: started by bench.engine.ledger.

Commands and replies are lines of JSON. The first reply says that the engine is loaded, or why not.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from predictor.convert.artifact import Network, load_network
from predictor.convert.check import ask_author
from predictor.decode import Floats
from predictor.engines import Engine, load_engine
from predictor.engines.base import FaceArray, scale_faces
from predictor.engines.golden import load_face
from predictor.folder import find_source
from predictor.manifest import Manifest


class AuthorEngine(Engine):
    """The author's own network, as his framework runs it."""

    name = "author"

    def __init__(self, network: Network):
        self.network, self.landmarks = network, network.landmarks
        self.size, self.channels = network.plan.size, network.landmarks.channels
        self.reader = network.plan.reader

    def open(self, model: Path, manifest: Manifest, threads: int) -> None:
        raise NotImplementedError

    def run(self, faces: FaceArray) -> Floats:
        return ask_author(self.network.author, self.network.plan, scale_faces(faces)).values


def load_author(model: Path) -> Engine:
    """Load the author's network; raises DeclarationError."""
    return AuthorEngine(load_network(find_source(model)))


def read_peak() -> float:
    """Read the process's peak resident memory, MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def time_runs(engine: Engine, faces: np.ndarray, seconds: float) -> list[float]:
    """Time faces to landmarks: milliseconds per face of each run."""
    engine.predict(faces)
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 3:
        begun = time.perf_counter()
        engine.predict(faces)
        times.append((time.perf_counter() - begun) * 1e3 / len(faces))
    return times


def serve(engine: Engine, golden: np.ndarray, command: dict) -> dict:
    """Time a batch of the golden face, or write the points of the faces of a file."""
    if "batch" in command:
        faces = golden.repeat(command["batch"], axis=0)
        return {"ms": time_runs(engine, faces, command["seconds"]), "peak": read_peak()}
    faces = np.load(command["faces"]) if command["faces"] else golden  # [N, C, S, S]
    parts = [engine.predict(faces[i : i + 8])[0] for i in range(0, len(faces), 8)]
    np.save(command["out"], np.concatenate(parts))  # [N, K, 2]
    return {}


def main(name: str, model: str) -> None:
    try:
        engine = load_author(Path(model)) if name == "author" else load_engine(name, Path(model))
        golden = load_face(engine.size, engine.channels)  # [1, 1, S, S]
        engine.predict(golden)
    except (RuntimeError, ValueError, ImportError, OSError) as error:
        print(json.dumps({"failed": str(error)}), flush=True)
        return
    print(json.dumps({"landmarks": engine.landmarks.describe(), "size": engine.size}), flush=True)
    for line in sys.stdin:
        print(json.dumps(serve(engine, golden, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
