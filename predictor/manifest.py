"""The manifest of an artifact: what was made of which source, by what, and how well."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from predictor.decode import Reader
from serving.landmarks import LandmarkSet, explain

MANIFEST_NAME = "manifest.json"


class Manifest(BaseModel):
    """What one artifact folder holds. Distances are in pixels of the network's face."""

    model_config = ConfigDict(frozen=True)

    format: Literal[2] = 2  # of the folder; another one is refused
    engine: Literal["openvino-int8", "openvino", "onnxruntime"]  # that loads it
    model: str  # file in the folder that the engine loads
    files: dict[str, str] = Field(min_length=1)  # sha256 of each file in the folder
    source: str  # name of the folder or file that it was made of
    source_sha256: str  # digest of that source
    channels: Literal[1, 3] = 1  # of the network's face
    size: tuple[int, int]  # height and width of the network's face
    batch: int = Field(0, ge=0)  # faces of a run, where it takes so many and no others; 0: any
    reader: Reader = Reader()  # what the output's values mean
    landmarks: LandmarkSet  # what its points are called, and what face it takes
    golden: tuple[tuple[float, float], ...]  # the author's points [K][2] of golden_face.npy
    golden_pixels: float = Field(0.25, ge=0)  # how far its own lay from them when it was made
    bf16: bool = True  # whether a CPU may run it in bf16
    versions: dict[str, str] = {}  # of packages whose other releases may not load it
    accuracy: dict[str, Any] = {}  # against the author's network, on `faces` of them
    said: tuple[str, ...] = ()  # what the conversion assumed, and what it warned of
    threads: int = Field(0, ge=0, le=1024)  # found best on `cpus` CPUs; 0: not tuned
    max_batch: int = Field(8, ge=1, le=1024)  # faces of a run beyond which it gains nothing
    cpus: int = 0  # of the machine that was tuned on
    command: str = ""  # that rebuilds it


class ManifestError(ValueError):
    """The folder is not a valid artifact; the message is a clause without full stop."""


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest; raises ManifestError."""
    path = folder / MANIFEST_NAME
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise ManifestError(f"{folder} has no {MANIFEST_NAME}") from None
    except (OSError, ValueError):
        raise ManifestError(f"{path} is not valid JSON") from None
    if not isinstance(content, dict) or content.get("format") != 2:
        raise ManifestError(f"{folder} was made by another release (format 2 is read)")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        raise ManifestError(f"{path} is not a valid manifest: {explain(error, Manifest)}") from None


def peek_manifest(folder: Path) -> dict[str, Any]:
    """Return what a folder's manifest says, unchecked; nothing where it is not valid JSON."""
    try:
        content = json.loads((folder / MANIFEST_NAME).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a folder's manifest, one key per line."""
    content = manifest.model_dump(mode="json")
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
