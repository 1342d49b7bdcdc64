"""The golden answer of a checkpoint: what its network must find before it is ready.

    python -m predictor.golden --model models/simple_unet.pth

writes the answer of the reference engine beside the checkpoint.
"""

import argparse
import json
from pathlib import Path

from predictor.engines.base import Engine
from predictor.engines.golden import GoldenError, compare_golden, load_face
from predictor.engines.manifest import hash_file

PIXELS = 1.0  # how far landmarks may lie from the stored ones, in the face's own


def golden_path(checkpoint: Path) -> Path:
    """Name the file that holds the golden answer of a checkpoint."""
    return checkpoint.with_suffix(".golden.json")


def check_engine(engine: Engine, checkpoint: Path) -> float | None:
    """Compare an engine with the stored answer: the largest distance in pixels of the face.

    None where no answer is stored; the engine is warmed up all the same. Raises
    GoldenError above PIXELS.
    """
    path = golden_path(checkpoint)
    if not path.is_file():
        engine.predict(load_face(engine.landmarks.side))
        return None
    golden = json.loads(path.read_text())
    rebuild = f"python -m predictor.golden --model {checkpoint}"
    if checkpoint.is_file() and golden["sha256"] != hash_file(checkpoint):
        raise GoldenError(f"{path} belongs to another checkpoint: {rebuild} makes it anew.")
    remedy = f"the artifact is broken, or {rebuild} is due"
    return compare_golden(engine, golden["landmarks"], PIXELS, path, remedy)


def write_golden(checkpoint: Path) -> Path:
    """Store the reference engine's answer beside the checkpoint."""
    from predictor.engines.eager import EagerEngine

    engine = EagerEngine(checkpoint)
    landmarks, _ = engine.predict(load_face(engine.landmarks.side))
    path = golden_path(checkpoint)
    content = {"sha256": hash_file(checkpoint), "landmarks": landmarks[0].round(3).tolist()}
    path.write_text(json.dumps(content) + "\n")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=write_golden.__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/simple_unet.pth"))
    print(write_golden(parser.parse_args().model))
