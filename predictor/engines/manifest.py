"""The manifest of an artifact: what was made of which checkpoint, by what, and how well."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving.landmarks import LandmarkError, LandmarkSet, read_landmarks

MANIFEST_NAME = "manifest.json"
FORMAT = 1  # of the folder; another one is refused


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one artifact folder holds. Distances are in pixels of the network's face."""

    engine: str
    """The engine that loads it."""
    model: str
    """File in the folder that the engine loads."""
    files: dict[str, str]
    """sha256 of each file in the folder."""
    source: str
    """File name of the checkpoint."""
    source_sha256: str
    """sha256 of the checkpoint."""
    width: int
    """The network's base width."""
    logits: bool
    """Heatmaps are logits of a softmax (true) or heights of a Gaussian (false)."""
    landmarks: LandmarkSet
    """What its points are called, and what face it takes."""
    golden: list[list[float]]
    """Landmarks [K][2] that the artifact gave for predictor/golden_face.npy when made."""
    versions: dict[str, str] = field(default_factory=dict)
    """Release of each package whose other releases may not load it, e.g. openvino 2026.4."""
    needs: list[str] = field(default_factory=list)
    """CPU features of which one must be there; empty: none."""
    accuracy: dict[str, Any] = field(default_factory=dict)
    """Against the eager fp32 reference, on the faces that `accuracy.faces` names."""
    threads: int = 0
    """Threads found best by predictor.export.tune on `cpus` CPUs; 0: not tuned."""
    max_batch: int = 8
    """Faces in one run beyond which a batch gains nothing."""
    cpus: int = 0
    """CPUs of the machine that was tuned on."""
    command: str = ""
    """The command that makes it anew."""
    format: int = FORMAT


class ManifestError(ValueError):
    """The folder is no artifact, or a broken one; the message is a clause without full stop."""


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest; raises ManifestError."""
    try:
        content = json.loads((folder / MANIFEST_NAME).read_text())
    except FileNotFoundError:
        raise ManifestError(f"{folder} has no {MANIFEST_NAME}") from None
    except (OSError, ValueError):
        raise ManifestError(f"{folder / MANIFEST_NAME} is no JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ManifestError(f"{folder} was made by another release (format {FORMAT} is read)")
    names = {f.name for f in dataclasses.fields(Manifest)}
    try:
        manifest = Manifest(**{k: v for k, v in content.items() if k in names})
        landmarks = read_landmarks(manifest.landmarks, folder / MANIFEST_NAME)
    except TypeError as error:
        raise ManifestError(f"{folder / MANIFEST_NAME} is incomplete: {error}") from None
    except LandmarkError as error:
        raise ManifestError(str(error)) from None
    return dataclasses.replace(manifest, landmarks=landmarks)


def peek_manifest(folder: Path) -> dict[str, Any]:
    """Return what a folder's manifest says, unchecked; nothing where it is no JSON."""
    try:
        content = json.loads((folder / MANIFEST_NAME).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a folder's manifest, one key a line."""
    content = dataclasses.asdict(manifest)
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
    (folder / MANIFEST_NAME).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def hash_file(path: Path) -> str:
    """Return a file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare each file with its sha256; raises ManifestError for a missing or changed one."""
    for name, wanted in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ManifestError(f"{path} is missing")
        if hash_file(path) != wanted:
            raise ManifestError(f"{path} is truncated or changed")
