"""Choose and load one engine: the one asked for, or the fastest that works here."""

import logging
from pathlib import Path

from predictor.engines.base import Engine, EngineError
from predictor.engines.hardware import BF16, INT8, list_features
from predictor.engines.loaders import FROM_CHECKPOINT, OPENERS, load

ENGINES = (*OPENERS, *FROM_CHECKPOINT)

logger = logging.getLogger("predictor.engines")


def load_engine(
    choice: str, checkpoint: Path, artefact: Path | None = None, threads: int = 0
) -> Engine:
    """Load the engine of this name, or for `auto` the fastest that works here.

    `artefact` is a folder that predictor.export made; None: the one of that engine and
    checkpoint beside the checkpoint, if any. `threads` 0: as the artefact was tuned, or
    as many as the container may use. Raises EngineError with one sentence when an
    engine that was named can't be loaded, and CheckpointError for a bad checkpoint.
    """
    checkpoint = Path(checkpoint)
    if choice == "auto":
        return load_fastest(checkpoint, artefact, threads)
    if choice not in ENGINES:
        raise EngineError(f"There is no engine '{choice}'; there are auto, {', '.join(ENGINES)}.")
    engine = load_named(choice, checkpoint, artefact, threads)
    engine.why = f"{choice}, as LANDMARKS_ENGINE says."
    return engine


def load_named(choice: str, checkpoint: Path, artefact: Path | None, threads: int) -> Engine:
    """Load one engine; a package that it lacks becomes an EngineError."""
    try:
        return load(choice, checkpoint, artefact, threads)
    except ImportError as error:
        package = (error.name or str(error)).split(".")[0]
        raise EngineError(
            f"Engine {choice} needs the package {package}, which is not installed."
        ) from error


def load_fastest(checkpoint: Path, artefact: Path | None, threads: int) -> Engine:
    """Try the engines from the fastest on; log what was picked, why, and what failed before."""
    failed: list[str] = []
    for name, reason in rank_engines():
        try:
            engine = load_named(name, checkpoint, artefact, threads)
        except EngineError as error:
            failed.append(f"{name} not taken: {error}")
            continue
        engine.why = f"{name}: {reason}."
        break
    else:
        raise EngineError("No engine works here. " + " ".join(failed))
    (logger.warning if failed else logger.info)(" ".join(["auto took", engine.why, *failed]))
    return engine


def rank_engines() -> list[tuple[str, str]]:
    """List the engines that this machine's hardware suits, fastest first, each with why."""
    features = list_features()
    ranked = []
    if Path("/proc/driver/nvidia/version").exists():
        ranked.append(("cuda", "there is an NVIDIA GPU"))
    if has(features, INT8):
        ranked.append(("openvino-int8", "the CPU multiplies bytes and an int8 artefact is there"))
    if has(features, BF16):
        ranked.append(("openvino-bf16", "the CPU multiplies bf16"))
    ranked.append(("openvino", "OpenVINO is installed"))
    ranked.append(("onnxruntime", "ONNX Runtime is installed"))
    if not has(features, INT8):  # what a torch-free image can still run
        ranked.append(("openvino-int8", "an int8 artefact is there"))
    ranked.append(("eager", "the reference works wherever torch does"))
    return ranked


def has(features: frozenset[str], wanted: tuple[str, ...]) -> bool:
    """Tell whether the CPU has one of the features."""
    return not features.isdisjoint(wanted)
