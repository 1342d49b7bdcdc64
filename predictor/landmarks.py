"""The default landmark set: that of the shipped networks, and of others with as many points."""

import json
from pathlib import Path

from serving.landmarks import LandmarkError, LandmarkSet, read_landmarks

DEFAULT_FILE = Path(__file__).with_name("default_landmarks.json")


def load_file(path: Path) -> LandmarkSet:
    """Load a set from its file; raises LandmarkError with one clause that names it."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        raise LandmarkError(f"{path} is not valid JSON") from None
    return read_landmarks(content, path)


DEFAULT = load_file(DEFAULT_FILE)
