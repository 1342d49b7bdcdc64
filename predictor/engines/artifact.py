"""Open an artifact, and refuse one that would answer wrongly."""

import importlib.metadata
import pkgutil
from collections.abc import Callable
from pathlib import Path

from predictor.engines.base import Engine, EngineError
from predictor.engines.golden import compare_golden
from predictor.manifest import Manifest, ManifestError, check_files, read_manifest
from serving.cpus import count_cpus

CLASSES = {
    "openvino-int8": "predictor.engines.openvino:OpenVinoEngine",
    "openvino-bf16": "predictor.engines.openvino:Bf16Engine",
    "openvino": "predictor.engines.openvino:OpenVinoEngine",
    "onnxruntime": "predictor.engines.onnxruntime:OnnxRuntimeEngine",
}
BF16_PIXELS = 0.75  # how much further bf16 may move a point of the golden face


def load_artifact(folder: Path, digest: str, name: str, threads: int = 0) -> Engine:
    """Load an artifact as the engine of this name after every check, its golden answer last.

    `digest` is its source's, "" where that is not there. Raises EngineError with one sentence
    that names the command to rebuild it.
    """
    try:
        manifest = read_manifest(folder)
        check_files(folder, manifest)
    except ManifestError as error:
        raise EngineError(f"{error}; convert its source again.") from None
    remedy = f"`{manifest.command}` rebuilds it"
    if digest and digest != manifest.source_sha256:
        raise EngineError(f"{folder} was made of other files than are there now; {remedy}.")
    for package, wanted in manifest.versions.items():
        if (found := find_version(package)) != wanted:
            made = f"{folder} was made by {package} {wanted}"
            raise EngineError(f"{made}, and {found or 'none'} is installed; {remedy}.")
    try:
        engine = open_artifact(folder, manifest, name, threads)
        rounding = BF16_PIXELS if name == "openvino-bf16" else 0
        engine.distance = compare_golden(engine, manifest, rounding)
    except ImportError as error:
        raise EngineError(f"Engine {name} needs the package {error.name}.") from None
    except EngineError as error:
        raise EngineError(f"{folder}: {error}; {remedy}.") from None
    except Exception as error:  # each runtime has its own for a file or a face that it can't take
        line = str(error).strip().splitlines()[-1][:200]
        raise EngineError(f"{name} can't run {folder}: {line}; {remedy}.") from error
    return engine


def is_current(folder: Path, digest: str) -> bool:
    """Check whether an artifact is of the source with this digest and of the packages here."""
    try:
        manifest = read_manifest(folder)
    except ManifestError:
        return False
    versions = manifest.versions.items()
    return manifest.source_sha256 == digest and all(find_version(p) == v for p, v in versions)


def open_artifact(folder: Path, manifest: Manifest, name: str = "", threads: int = 0) -> Engine:
    """Open an artifact's model, unchecked; 0 threads: as it was tuned here."""
    create: Callable[..., Engine] = pkgutil.resolve_name(CLASSES[name or manifest.engine])
    tuned = manifest.threads if manifest.cpus == count_cpus() else 0
    return create(folder, manifest, threads or tuned)


def find_version(package: str) -> str | None:
    """Return major.minor of an installed package: what decides whether an artifact loads."""
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
    return ".".join(version.split("+")[0].split(".")[:2])
