"""One engine in a process of its own, whose functions bench.engine.ledger calls."""

import os
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
from serving.landmarks import LandmarkSet


class AuthorEngine:
    """The author's own network, as his framework runs it."""

    def __init__(self, network: Network):
        self.network, self.landmarks = network, network.landmarks
        self.size, self.channels = network.plan.size, network.landmarks.channels

    def predict(self, faces: FaceArray) -> tuple[Floats, Floats]:
        found = ask_author(self.network.author, self.network.plan, scale_faces(faces))
        return found.points, found.scores


engine: Engine | AuthorEngine  # this process's, once it is loaded


def silence() -> None:
    """Leave out what a framework says on stderr."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def load(name: str, model: Path) -> tuple[LandmarkSet, tuple[int, int]] | str:
    """Load an engine and run it once; return its landmark set and size, or why it isn't there."""
    global engine
    try:
        author = name == "author"
        engine = (
            AuthorEngine(load_network(find_source(model))) if author else load_engine(name, model)
        )
        locate(None)
    except (RuntimeError, ValueError, ImportError, OSError) as error:
        return str(error)
    return engine.landmarks, engine.size


def time_batch(batch: int, seconds: float) -> tuple[list[float], float]:
    """Time faces to landmarks: milliseconds per face of each run, and the peak memory in MB."""
    faces = load_face(engine.size, engine.channels).repeat(batch, axis=0)  # [N, C, H, W]
    engine.predict(faces)
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 3:
        begun = time.perf_counter()
        engine.predict(faces)
        times.append((time.perf_counter() - begun) * 1e3 / len(faces))
    status = Path("/proc/self/status").read_text()
    return times, int(status.partition("VmHWM:")[2].split()[0]) / 1024


def locate(faces: np.ndarray | None) -> np.ndarray:
    """Return the points `[N,K,2]` of faces `[N,C,H,W]`, or of the golden face."""
    faces = load_face(engine.size, engine.channels) if faces is None else faces
    return np.concatenate([engine.predict(faces[i : i + 8])[0] for i in range(0, len(faces), 8)])
