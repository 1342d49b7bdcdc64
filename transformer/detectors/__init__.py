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
    """Load a detector from its ONNX file, told apart by the file's name.

    Without `min_score` the detector's own: what a score means differs between them.
    """
    kind = find_kind(path)
    try:
        return kind(path, min_score)
    except Exception as error:
        reason = [*str(error).strip().splitlines(), type(error).__name__][0][:200]
        raise DetectorError(
            f"{path} cannot be read as the detector it is named after ({reason})."
        ) from error


def find_kind(path: Path) -> type[Detector]:
    """Find the detector whose name the file's name has.

    There is no second way to run one: what would be slower in silence is refused.
    """
    try:
        from transformer.detectors.centerface import CenterFace
        from transformer.detectors.yunet import YuNet
    except ImportError as error:
        raise DetectorError(
            f"The detectors need the package {error.name}, which cannot be imported here: "
            "pip install -r requirements/transformer.txt."
        ) from error
    kinds: dict[str, type[Detector]] = {kind.name: kind for kind in (YuNet, CenterFace)}
    for name, kind in kinds.items():
        if name in path.name.lower():
            return kind
    raise DetectorError(f"{path.name}: the name has neither {' nor '.join(kinds)} in it.")
