"""What every peer serves: the project's own pipeline, or what a user would write instead.

PEERS_PIPELINE=ours (comparison a, the serving alone) or user (comparison b).
"""

import os
import threading
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
MODEL = Path("models/simple_unet.pth")
WORKERS = len(os.sched_getaffinity(0))  # pictures at a time, as our transformer has it


class Pipeline(Protocol):
    """Faces or pictures in, landmarks out; safe to call from several threads."""

    def predict(self, faces: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Find the landmarks `[N,K,2]` and scores `[N,K]` of faces `[N,1,96,96]`."""

    def read(self, pictures: list[bytes]) -> list[Floats]:
        """Find the landmarks `[F,K,2]` of each picture's faces, in the picture's pixels."""


class OurPipeline:
    """The decode, detector, crop, engine and decoder that our services run."""

    def __init__(self) -> None:
        from predictor.engines import load_engine
        from transformer.crop import to_picture
        from transformer.faces import FaceFinder
        from transformer.settings import TransformerSettings

        self.engine = load_engine("auto", MODEL)
        self.finder = FaceFinder(TransformerSettings())
        self.find = partial(self.finder.detect_faces, landmarks=self.engine.landmarks)
        self.to_picture = to_picture
        self.lock = threading.Lock()  # an engine runs for one thread at a time

    def predict(self, faces: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        with self.lock:
            return self.engine.predict(faces)

    def read(self, pictures: list[bytes]) -> list[Floats]:
        found = [self.find(content) for content in pictures]
        points, _ = self.predict(np.concatenate([faces.crops for faces in found]))  # [F, K, 2]
        squares = [square for faces in found for square in faces.squares]
        points = self.to_picture(points, squares, self.engine.landmarks.side)
        ends = np.cumsum([len(faces.squares) for faces in found])
        return np.split(points, ends[:-1])


def load_pipeline() -> Pipeline:
    """Load the pipeline that PEERS_PIPELINE names."""
    if os.environ.get("PEERS_PIPELINE", "ours") == "ours":
        return OurPipeline()
    from bench.peers.servers.user_pipeline import UserPipeline

    return UserPipeline()


def describe(points: list[Floats]) -> dict[str, Any]:
    """Write the landmarks of pictures for JSON: a list of faces for each."""
    return {"landmarks": [faces.tolist() for faces in points]}
