"""Detectors: different ways to find faces, behind one seam."""

from collections.abc import Callable
from pathlib import Path

from transformer.detectors.base import Detector
from transformer.detectors.centerface import CenterFace
from transformer.detectors.yunet import YuNet

FOLDER = Path("models/detector")
MIN_SCORES = {YuNet.name: 0.6, CenterFace.name: 0.5}


class DetectorError(RuntimeError):
    """No detector could be loaded; the message is one sentence that says why."""


def find_detector(path: Path | None) -> Path:
    """Give the detector's file: the one named, else the one that `make models` fetched."""
    if path is not None and not path.is_file():
        raise DetectorError(f"LANDMARKS_DETECTOR: {path} is not a file.")
    found = [path] if path else sorted(FOLDER.glob("*.onnx"), reverse=True)  # yunet first
    if not found:
        raise DetectorError(f"There is no detector in {FOLDER}: `make models` fetches one.")
    return found[0]


def load_detector(path: Path, side: int, min_score: float | None = None) -> Detector:
    """Load a detector from its ONNX file, told apart by the file's name.

    Without `min_score` the detector's own: what a score means differs between them.
    """
    kind = find_kind(path)
    if min_score is None:
        min_score = MIN_SCORES[CenterFace.name if kind is CenterFace else YuNet.name]
    try:
        return kind(path, side, min_score)
    except Exception as error:
        raise DetectorError(f"{path} cannot be read as the detector it is named after.") from error


def find_kind(path: Path) -> Callable[[Path, int, float], Detector]:
    """Tell what loads the file; YuNet runs on OpenVINO if that is installed, else on OpenCV."""
    if CenterFace.name in path.name.lower():
        return CenterFace
    if YuNet.name not in path.name.lower():
        raise DetectorError(f"{path.name}: the name says neither yunet nor centerface.")
    try:
        from transformer.detectors.yunet_openvino import YuNetOpenVino
    except ImportError:
        return YuNet
    return YuNetOpenVino
