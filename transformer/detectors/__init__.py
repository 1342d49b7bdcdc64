"""Detectors: different ways to find faces, behind one seam."""

from pathlib import Path

from transformer.detectors.base import Detector

FOLDER = Path("models/detector")


class DetectorError(RuntimeError):
    """No detector could be loaded; the message is one sentence that says why."""


def find_detector(path: Path | None) -> Path:
    """Return the detector's file: the one named, else the one that `make models` fetched."""
    if path is not None and not path.is_file():
        raise DetectorError(f"LANDMARKS_DETECTOR: {path} is not a file.")
    found = [path] if path else sorted(FOLDER.glob("*.onnx"), reverse=True)  # yunet first
    if not found:
        raise DetectorError(f"There is no detector in {FOLDER}: `make models` fetches one.")
    return found[0]


def load_detector(path: Path, min_score: float | None = None) -> Detector:
    """Load a detector by its ONNX file's name; without `min_score` each kind has its own."""
    kind = find_kind(path)
    try:
        return kind(path, min_score)
    except Exception as error:
        reason = [*str(error).strip().splitlines(), type(error).__name__][0][:200]
        text = f"{path} cannot be read as the detector it is named after ({reason})."
        raise DetectorError(text) from error


def find_kind(path: Path) -> type[Detector]:
    """Find the detector whose name the file's name has; no slower way is taken in silence."""
    try:
        from transformer.detectors.centerface import CenterFace
        from transformer.detectors.yunet import YuNet
    except ImportError as error:
        raise DetectorError(
            f"The detectors need the package {error.name}, which cannot be imported here: "
            "pip install -r requirements/transformer.txt."
        ) from error
    for kind in (YuNet, CenterFace):
        if kind.name in path.name.lower():
            return kind
    raise DetectorError(f"{path.name}: the name has neither yunet nor centerface in it.")
