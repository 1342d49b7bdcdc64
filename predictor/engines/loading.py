"""Make an engine of an artifact, or of a checkpoint where that can be."""

from pathlib import Path
from typing import TYPE_CHECKING

from predictor.engines.artifact import find_artifact, open_artifact, rebuild
from predictor.engines.base import Engine, EngineError
from predictor.engines.golden import compare_golden
from predictor.engines.manifest import MANIFEST_NAME, Manifest
from predictor.engines.registry import EngineKind
from serving.cpus import count_cpus

if TYPE_CHECKING:  # it imports torch
    from predictor.engines.reference import Reference

GOLDEN_PIXELS = 0.25  # CPUs round differently; a wrong network is off by far more


def load(kind: EngineKind, checkpoint: Path, artifact: Path | None, threads: int) -> Engine:
    """Load one engine from its artifact, or straight from the checkpoint where that can be.

    Raises EngineError, CheckpointError, or ImportError for a package that is missing.
    """
    if kind.source == "checkpoint":
        return kind.import_engine()(checkpoint, threads=threads)
    folder = find_artifact(kind, checkpoint, artifact)
    if folder is not None:
        return load_artifact(kind, checkpoint, folder, threads)
    if kind.source == "artifact":
        place = artifact or checkpoint.parent / f"{checkpoint.stem}-{kind.name}"
        raise EngineError(
            f"There is no {kind.name} artifact of {checkpoint}; {rebuild(kind, checkpoint, place)}."
        )
    create = kind.import_engine()  # first, as what is missing is told at once
    model, found = build_model(checkpoint)
    engine = create(kind.name, model, found.logits, threads)
    engine.landmarks = found.landmarks
    return engine


def load_artifact(kind: EngineKind, checkpoint: Path, folder: Path, threads: int) -> Engine:
    """Load an artifact after every check, its golden answer last."""
    manifest = open_artifact(folder, kind, checkpoint)
    remedy = rebuild(kind, checkpoint, folder)
    try:
        engine = open_model(kind, folder, manifest, threads)
    except RuntimeError as error:  # what the runtimes raise for a file they can't read
        line = str(error).strip().splitlines()[-1]
        raise EngineError(f"{kind.name} can't load {folder}: {line}; {remedy}.") from error
    try:
        compare_golden(engine, manifest.golden, GOLDEN_PIXELS, folder / MANIFEST_NAME, remedy)
    except EngineError:
        raise
    except Exception as error:  # each runtime has its own for a face of the wrong size
        side = manifest.landmarks.side
        raise EngineError(
            f"{kind.name} can't run a face of {side}x{side} pixels, "
            f"as {folder / MANIFEST_NAME} has it; {remedy}."
        ) from error
    return engine


def open_model(kind: EngineKind, folder: Path, manifest: Manifest, threads: int) -> Engine:
    """Open an artifact's model, unchecked; 0 threads: as it was tuned here."""
    tuned = manifest.threads if manifest.cpus == count_cpus() else 0
    model = folder / manifest.model
    create = kind.import_engine()
    engine = create(kind.name, model, manifest.logits, threads or tuned, manifest.max_batch)
    engine.landmarks = manifest.landmarks
    return engine


def build_model(checkpoint: Path) -> tuple[bytes, "Reference"]:
    """Build the ONNX graph in memory: its bytes, and what it was built of."""
    from predictor.engines.onnx_graph import build_onnx
    from predictor.engines.reference import load_reference

    found = load_reference(checkpoint)
    return build_onnx(found.net, found.landmarks.side).SerializeToString(), found
