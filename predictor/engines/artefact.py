"""Find artefact folders, and refuse those that would answer wrongly."""

import importlib.metadata
from pathlib import Path

import numpy as np

from predictor.engines.base import Engine, EngineError
from predictor.engines.hardware import list_features
from predictor.manifest import (
    NAME,
    Manifest,
    ManifestError,
    check_files,
    hash_file,
    read_manifest,
)

GOLDEN_PIXELS = 0.25  # CPUs round differently; a wrong network is off by far more
GOLDEN_FACE = Path(__file__).parent.parent / "golden_face.npy"  # [1, 1, 96, 96] UINT8


def find_artefact(engine: str, checkpoint: Path, folder: Path | None) -> Path | None:
    """Find the artefact of this engine: the folder given, or the one beside the checkpoint.

    A folder given for another engine is no candidate; a broken one is, so that the
    reason comes to light.
    """
    if folder is not None:
        return folder if guess_engine(folder) in (engine, None) else None
    beside = sorted(path.parent for path in checkpoint.parent.glob(f"*/{NAME}"))
    mine = [path for path in beside if guess_engine(path) == engine]
    named = [path for path in mine if read_manifest(path).source == checkpoint.name]
    return next(iter(named), None)


def guess_engine(folder: Path) -> str | None:
    """Tell the engine of an artefact folder, None where its manifest can't be read."""
    try:
        return read_manifest(folder).engine
    except ManifestError:
        return None


def open_artefact(folder: Path, engine: str, checkpoint: Path) -> Manifest:
    """Read an artefact's manifest and check everything that needs no run.

    Raises EngineError with a sentence that names the command to rebuild it.
    """
    remedy = rebuild(engine, checkpoint, folder)
    try:
        manifest = read_manifest(folder)
        check_files(folder, manifest)
    except ManifestError as error:
        raise EngineError(f"{error}; {remedy}.") from None
    if manifest.engine != engine:
        raise EngineError(f"{folder} is for engine {manifest.engine}, not {engine}; {remedy}.")
    if checkpoint.is_file() and hash_file(checkpoint) != manifest.source_sha256:
        raise EngineError(f"{folder} was made from another checkpoint than {checkpoint}; {remedy}.")
    for package, wanted in manifest.versions.items():
        if (found := find_version(package)) != wanted:
            raise EngineError(
                f"{folder} was made by {package} {wanted}, and {found or 'none'} is installed; "
                f"{remedy}."
            )
    if manifest.needs and not list_features() & set(manifest.needs):
        raise EngineError(
            f"{folder} needs a CPU with {' or '.join(manifest.needs)}, and this one has none; "
            f"use LANDMARKS_ENGINE=auto, or for this machine {remedy}."
        )
    return manifest


def check_golden(engine: Engine, manifest: Manifest, remedy: str) -> None:
    """Run the golden face, also as warm-up; raises EngineError when the answer has moved."""
    landmarks, _ = engine.locate(np.load(GOLDEN_FACE))  # [1, 15, 2]
    wanted = np.array(manifest.golden, np.float32)  # [15, 2]
    distance = float(np.linalg.norm(landmarks[0] - wanted, axis=1).max())
    if not distance <= GOLDEN_PIXELS:  # NaN fails, too
        raise EngineError(
            f"Engine {engine.name} puts a landmark of the golden face {distance:.2f} pixels from "
            f"where its artefact's manifest has it ({GOLDEN_PIXELS} allowed); {remedy}."
        )


def rebuild(engine: str, checkpoint: Path, folder: Path) -> str:
    """Say how to make the artefact anew."""
    calibrate = " --calibrate FACES" if engine.endswith("int8") else ""
    return (
        f"python -m predictor.export --checkpoint {checkpoint} --engine {engine}{calibrate} "
        f"--out {folder} makes it anew"
    )


def find_version(package: str) -> str | None:
    """Give major.minor of an installed package: what decides whether an artefact loads."""
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
    return ".".join(version.split("+")[0].split(".")[:2])
