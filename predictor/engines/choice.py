"""Choose and load one engine: the one asked for, or the fastest that works here."""

import logging
from pathlib import Path

from predictor.engines.artifact import list_artifacts
from predictor.engines.base import Engine, EngineError
from predictor.engines.hardware import list_hardware, name_cpu
from predictor.engines.loading import load
from predictor.engines.registry import ENGINES, NARROW, EngineKind, find_kind

logger = logging.getLogger("predictor.engines")


def load_engine(
    choice: str, checkpoint: Path, artifact: Path | None = None, threads: int = 0
) -> Engine:
    """Load the engine of this name, or for `auto` the fastest that works here.

    `artifact` is a folder that predictor.export made; None: the one of that engine and
    checkpoint beside the checkpoint, if any. `threads` 0: as the artifact was tuned, or
    as many as the container may use. Raises EngineError with one sentence when an
    engine that was named can't be loaded, and CheckpointError for a bad checkpoint.
    """
    checkpoint = Path(checkpoint)
    if choice == "auto":
        return load_fastest(checkpoint, artifact, threads)
    engine = load_named(find_kind(choice), checkpoint, artifact, threads)
    engine.why = f"{choice}, as LANDMARKS_ENGINE says."
    return engine


def load_named(kind: EngineKind, checkpoint: Path, artifact: Path | None, threads: int) -> Engine:
    """Load one engine; a package that it lacks becomes an EngineError."""
    try:
        engine = load(kind, checkpoint, artifact, threads)
    except ImportError as error:
        package = (error.name or str(error)).split(".")[0]
        raise EngineError(
            f"Engine {kind.name} needs the package {package}, which is not installed."
        ) from error
    if kind.experimental:
        logger.warning(f"Engine {kind.name} is experimental: {kind.experimental}.")
    return engine


def load_fastest(checkpoint: Path, artifact: Path | None, threads: int) -> Engine:
    """Try the engines from the fastest on; log what was picked, why, and what failed before."""
    failed: list[str] = []
    for name, reason in rank_engines(is_narrow(checkpoint, artifact)):
        try:
            engine = load_named(ENGINES[name], checkpoint, artifact, threads)
        except EngineError as error:
            failed.append(f"{name} not taken: {error}")
            continue
        engine.why = f"{name}: {reason}."
        break
    else:
        raise EngineError("No engine works here. " + " ".join(failed))
    (logger.warning if failed else logger.info)(" ".join(["auto took", engine.why, *failed]))
    return engine


def rank_engines(narrow: bool = False) -> list[tuple[str, str]]:
    """List the engines that this machine's hardware suits, each with why.

    The fastest as measured on such hardware come first, what was not measured on it
    after them in the table's order.
    """
    found = list_hardware()
    cpu = name_cpu(found)
    suited = [kind for kind in ENGINES.values() if kind.needs is None or kind.needs.is_in(found)]
    suited.sort(key=lambda kind: -kind.estimate_speed(cpu, narrow))  # keeps the order of equals
    ranked = []
    for kind in suited:
        hardware = [f.says for f in (kind.needs, kind.gains) if f and f.is_in(found)]
        ranked.append((kind.name, " and ".join([*hardware, kind.why] if kind.why else hardware)))
    return ranked


def is_narrow(checkpoint: Path, artifact: Path | None) -> bool:
    """Check whether artifacts of the checkpoint tell a network as narrow as the student.

    Without one nothing hangs on it: the engines that its width ranks take an artifact.
    """
    widths = [made.get("width") for _, made in list_artifacts(checkpoint, artifact)]
    return any(type(width) is int and width <= NARROW for width in widths)
