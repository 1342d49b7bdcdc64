"""The golden answer: what the network must say of one stored face before it is ready.

    python -m predictor.golden --model models/simple_unet.pth

writes the answer of the reference engine beside the checkpoint.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from predictor.decode import Floats
from predictor.engines.base import Engine

FACE = Path(__file__).with_name("golden_face.npy")  # [1, 1, 96, 96] UINT8; NASA, public domain


class GoldenError(RuntimeError):
    """The loaded network does not give the stored answer."""


def load_face() -> np.ndarray:
    """Load the stored face, `[1,1,96,96]` UINT8."""
    return np.load(FACE)


def find_golden(checkpoint: Path) -> Path:
    """Name the file that holds the golden answer of a checkpoint."""
    return checkpoint.with_suffix(".golden.json")


def check_engine(engine: Engine, checkpoint: Path, tolerance: float) -> float | None:
    """Run the stored face and compare: gives the largest distance in pixels of the face.

    None where no golden answer is stored. Raises GoldenError above the tolerance.
    """
    landmarks, _ = engine.locate(load_face())  # [1, 15, 2]; also the warm-up
    path = find_golden(checkpoint)
    if not path.is_file():
        return None
    golden = json.loads(path.read_text())
    rebuild = f"python -m predictor.golden --model {checkpoint}"
    if checkpoint.is_file() and golden["sha256"] != hash_file(checkpoint):
        raise GoldenError(f"{path} belongs to another checkpoint: {rebuild} makes it anew.")
    distance = measure_distance(landmarks[0], np.array(golden["landmarks"], np.float32))
    if not distance <= tolerance:  # NaN fails, too
        raise GoldenError(
            f"Engine {engine.name} puts a landmark of the golden face {distance:.2f} pixels "
            f"off ({tolerance:g} allowed): the artefact is broken, or {rebuild} is due."
        )
    return distance


def measure_distance(found: Floats, wanted: Floats) -> float:
    """Give the largest distance between two sets of landmarks `[15,2]`."""
    return float(np.linalg.norm(found - wanted, axis=1).max())


def hash_file(path: Path) -> str:
    """Give a file's sha256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_golden(checkpoint: Path) -> Path:
    """Store the reference engine's answer beside the checkpoint."""
    from predictor.engines.eager import EagerEngine

    landmarks, _ = EagerEngine(checkpoint).locate(load_face())
    path = find_golden(checkpoint)
    content = {"sha256": hash_file(checkpoint), "landmarks": landmarks[0].round(3).tolist()}
    path.write_text(json.dumps(content) + "\n")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=write_golden.__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/simple_unet.pth"))
    print(write_golden(parser.parse_args().model))
