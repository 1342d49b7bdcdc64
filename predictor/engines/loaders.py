"""How each engine is made of a checkpoint and an artefact.

Each opener imports its engine's module only when called.
"""

from collections.abc import Callable
from pathlib import Path

from predictor.engines.artefact import check_golden, find_artefact, open_artefact, rebuild
from predictor.engines.base import Engine, EngineError
from predictor.manifest import Manifest
from serving.cpus import count_cpus

# Opens a model, file or bytes: (engine's name, model, logits, threads, max_batch).
Opener = Callable[[str, Path | bytes, bool, int, int], Engine]


def open_openvino(
    name: str, model: Path | bytes, logits: bool, threads: int, max_batch: int
) -> Engine:
    from predictor.engines.openvino import OpenVinoEngine

    return OpenVinoEngine(name, model, logits, threads, max_batch)


def open_onnxruntime(
    name: str, model: Path | bytes, logits: bool, threads: int, max_batch: int
) -> Engine:
    from predictor.engines.onnxruntime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(name, model, logits, threads, max_batch)


def open_ahead(
    name: str, model: Path | bytes, logits: bool, threads: int, max_batch: int
) -> Engine:
    from predictor.engines.ahead import AheadEngine

    return AheadEngine(name, model, logits, threads, max_batch)


def load_torch(name: str, checkpoint: Path, threads: int) -> Engine:
    """Load a torch engine, which needs the checkpoint and nothing else."""
    from predictor.engines.eager import TorchEngine

    return TorchEngine(name, checkpoint, threads=threads)


def load_cuda(name: str, checkpoint: Path, threads: int) -> Engine:
    """Load the GPU's engine, which needs the checkpoint and nothing else."""
    from predictor.engines.cuda import CudaEngine

    return CudaEngine(checkpoint)


OPENERS: dict[str, Opener] = {
    "openvino-int8": open_openvino,
    "openvino-bf16": open_openvino,
    "openvino": open_openvino,
    "onnxruntime": open_onnxruntime,
    "ahead": open_ahead,
    "ahead-bf16": open_ahead,
}
ARTEFACT_ONLY = ("openvino-int8", "ahead", "ahead-bf16")  # calibrated or compiled beforehand
FROM_CHECKPOINT: dict[str, Callable[[str, Path, int], Engine]] = {
    "eager": load_torch,
    "channels-last": load_torch,
    "folded": load_torch,
    "torch-bf16": load_torch,
    "compiled": load_torch,
    "compiled-bf16": load_torch,
    "cuda": load_cuda,
}


def load(name: str, checkpoint: Path, artefact: Path | None, threads: int) -> Engine:
    """Load one engine from its artefact, or straight from the checkpoint where that can be.

    Raises EngineError, CheckpointError, or ImportError for a package that is missing.
    """
    if name in FROM_CHECKPOINT:
        return FROM_CHECKPOINT[name](name, checkpoint, threads)
    folder = find_artefact(name, checkpoint, artefact)
    if folder is not None:
        return load_artefact(name, checkpoint, folder, threads)
    if name in ARTEFACT_ONLY:
        place = artefact or checkpoint.parent / f"{checkpoint.stem}-{name}"
        raise EngineError(
            f"There is no {name} artefact of {checkpoint}; {rebuild(name, checkpoint, place)}."
        )
    model, logits = build_model(checkpoint)
    return OPENERS[name](name, model, logits, threads, 8)


def load_artefact(name: str, checkpoint: Path, folder: Path, threads: int) -> Engine:
    """Load an artefact after every check, its golden answer last."""
    manifest = open_artefact(folder, name, checkpoint)
    remedy = rebuild(name, checkpoint, folder)
    try:
        engine = open_model(folder, manifest, threads)
    except RuntimeError as error:  # what the runtimes raise for a file they can't read
        line = str(error).strip().splitlines()[-1]
        raise EngineError(f"{name} can't load {folder}: {line}; {remedy}.") from error
    check_golden(engine, manifest, remedy)
    return engine


def open_model(folder: Path, manifest: Manifest, threads: int) -> Engine:
    """Open an artefact's model, unchecked; 0 threads: as it was tuned here."""
    tuned = manifest.threads if manifest.cpus == count_cpus() else 0
    return OPENERS[manifest.engine](
        manifest.engine,
        folder / manifest.model,
        manifest.logits,
        threads or tuned,
        manifest.max_batch,
    )


def build_model(checkpoint: Path) -> tuple[bytes, bool]:
    """Build the ONNX graph in memory: its bytes, and whether heatmaps are logits."""
    from predictor.engines.build.onnx_graph import build_onnx
    from predictor.engines.build.reference import load_reference

    net, logits = load_reference(checkpoint)
    return build_onnx(net).SerializeToString(), logits
