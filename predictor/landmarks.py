"""The landmark set of a checkpoint: the JSON file next to it, or the default one.

The default is that of the shipped networks, and of public checkpoints of as many points.
"""

import json
from pathlib import Path

from serving.landmarks import LandmarkError, LandmarkSet, read_landmarks

DEFAULT_FILE = Path(__file__).with_name("default_landmarks.json")


def name_file(checkpoint: Path) -> Path:
    """Name the file that holds a checkpoint's landmark set."""
    return checkpoint.with_suffix(".landmarks.json")


def load_landmarks(checkpoint: Path) -> LandmarkSet:
    """Load the set of a checkpoint; raises LandmarkError with one clause that names the file."""
    path = name_file(checkpoint)
    return load_file(path) if path.is_file() else load_file(DEFAULT_FILE)


def load_file(path: Path) -> LandmarkSet:
    """Load a set from its file."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        raise LandmarkError(f"{path} is no JSON") from None
    return read_landmarks(content, path)


def check_count(landmarks: LandmarkSet, maps: int, checkpoint: Path) -> None:
    """Raise LandmarkError unless the checkpoint's network draws a heatmap for each point."""
    if maps != len(landmarks):
        path = name_file(checkpoint)
        names = f"{path} names" if path.is_file() else f"without a {path} they are the default"
        raise LandmarkError(f"{checkpoint} draws {maps} points, and {names} {len(landmarks)}")


DEFAULT = load_file(DEFAULT_FILE)
