"""Find artifact folders, and refuse those that would answer wrongly."""

import importlib.metadata
from pathlib import Path
from typing import Any

from predictor.engines.base import EngineError
from predictor.engines.hardware import list_hardware
from predictor.engines.manifest import (
    MANIFEST_NAME,
    Manifest,
    ManifestError,
    check_files,
    hash_file,
    peek_manifest,
    read_manifest,
)
from predictor.engines.registry import EngineKind
from predictor.landmarks import load_file, name_file
from serving.landmarks import LandmarkError


def find_artifact(kind: EngineKind, checkpoint: Path, folder: Path | None) -> Path | None:
    """Find the artifact of this engine: the folder given, or the one beside the checkpoint.

    A folder given for another engine is no candidate; a broken one is, so that the
    reason comes to light.
    """
    found = list_artifacts(checkpoint, folder)
    return next((path for path, made in found if made.get("engine", kind.name) == kind.name), None)


def list_artifacts(checkpoint: Path, folder: Path | None) -> list[tuple[Path, dict[str, Any]]]:
    """List the folder given, or the checkpoint's artifacts beside it, with unchecked manifests."""
    if folder is not None:
        return [(folder, peek_manifest(folder))]
    beside = sorted(path.parent for path in checkpoint.parent.glob(f"*/{MANIFEST_NAME}"))
    pairs = [(path, peek_manifest(path)) for path in beside]
    return [(path, made) for path, made in pairs if made.get("source") == checkpoint.name]


def open_artifact(folder: Path, kind: EngineKind, checkpoint: Path) -> Manifest:
    """Read an artifact's manifest and check everything that needs no run.

    Raises EngineError with a sentence that names the command to rebuild it.
    """
    remedy = rebuild(kind, checkpoint, folder)
    try:
        manifest = read_manifest(folder)
        check_files(folder, manifest)
    except ManifestError as error:
        raise EngineError(f"{error}; {remedy}.") from None
    check_set(manifest, checkpoint, remedy)
    if manifest.engine != kind.name:
        raise EngineError(f"{folder} is for engine {manifest.engine}, not {kind.name}; {remedy}.")
    if checkpoint.is_file() and hash_file(checkpoint) != manifest.source_sha256:
        raise EngineError(f"{folder} was made from another checkpoint than {checkpoint}; {remedy}.")
    for package, wanted in manifest.versions.items():
        if (found := find_version(package)) != wanted:
            raise EngineError(
                f"{folder} was made by {package} {wanted}, and {found or 'none'} is installed; "
                f"{remedy}."
            )
    if manifest.needs and not list_hardware() & set(manifest.needs):
        raise EngineError(
            f"{folder} needs a CPU with {' or '.join(manifest.needs)}, and this one has none; "
            f"use LANDMARKS_ENGINE=auto, or for this machine {remedy}."
        )
    return manifest


def check_set(manifest: Manifest, checkpoint: Path, remedy: str) -> None:
    """Check that a landmark set next to the checkpoint, if any, is the artifact's."""
    path = name_file(checkpoint)
    if not path.is_file():
        return
    try:
        same = load_file(path) == manifest.landmarks
    except LandmarkError as error:
        raise EngineError(f"{error}.") from None
    if not same:
        raise EngineError(f"The artifact has another landmark set than {path}; {remedy}.")


def rebuild(kind: EngineKind, checkpoint: Path, folder: Path) -> str:
    """Return the command that makes the artifact anew."""
    return f"{name_command(kind, checkpoint, folder, kind.calibrated)} makes it anew"


def name_command(kind: EngineKind, checkpoint: Path, folder: Path, faces: bool) -> str:
    """Name the command that makes the artifact, free of this machine's paths to faces."""
    calibrate = " --calibrate FACES" if faces else ""
    return (
        f"python -m predictor.export --checkpoint {checkpoint} --engine {kind.name}{calibrate} "
        f"--out {folder}"
    )


def find_version(package: str) -> str | None:
    """Return major.minor of an installed package: what decides whether an artifact loads."""
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
    return ".".join(version.split("+")[0].split(".")[:2])
