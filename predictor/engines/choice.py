"""Choose and load one engine: the one asked for, or the fastest that works here."""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from predictor.declaration import DeclarationError
from predictor.engines.artifact import CLASSES, load_artifact
from predictor.engines.base import Engine, EngineError
from predictor.folder import Source, find_source
from predictor.manifest import peek_manifest

ENGINES = tuple(CLASSES)  # what LANDMARKS_ENGINE may name beside auto
MADE_AS = {"openvino-bf16": "openvino"}  # the engine's name in the manifest, where it differs
BF16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})  # features of a CPU, as Linux names them
NVIDIA = Path("/proc/driver/nvidia/version")  # there while the driver is loaded
logger = logging.getLogger("predictor.engines")


def load_engine(choice: str, path: Path, artifact: Path | None = None, threads: int = 0) -> Engine:
    """Load the engine of this name, or for `auto` the fastest that works here.

    `path` is a model folder or a file of weights, `artifact` a converted folder to be used and
    no other. Where there is no artifact that fits, the source is converted first, in a process
    of its own. `threads` 0: as the artifact was tuned, or as many as the container may use.
    Raises EngineError or DeclarationError with one sentence.
    """
    if choice not in ("auto", *ENGINES):
        raise EngineError(f"There is no engine '{choice}'; there are auto, {', '.join(ENGINES)}.")
    source = find_source(path) if path.exists() else Source(path)
    failed: list[str] = []
    if engine := take_fastest(choice, source, artifact, threads, failed):
        return engine
    if artifact is not None or not source.kind:
        raise EngineError(" ".join(failed) or f"There is no model {path}, and no artifact of it.")
    made = convert(source, choice, failed)
    if engine := take_fastest(choice, source, made, threads, failed):
        return engine
    raise EngineError(" ".join(failed))


def take_fastest(
    choice: str, source: Source, artifact: Path | None, threads: int, failed: list[str]
) -> Engine | None:
    """Load the first engine that works; `failed` gets a sentence for each that doesn't."""
    digest = source.digest()  # it reads the weights: once, and not per candidate
    for name, folder, reason in list_choices(choice, source, artifact):
        try:
            engine = load_artifact(folder, digest, name, threads)
        except EngineError as error:
            failed.append(f"{name} not taken: {error}")
            continue
        engine.why = f"{name}: {reason}."
        (logger.warning if failed else logger.info)(" ".join(["took", engine.why, *failed]))
        return engine
    return None


def list_choices(
    choice: str, source: Source, artifact: Path | None
) -> Iterator[tuple[str, Path, str]]:
    """List engines with the folders that they could load and why, the fastest first."""
    folders = [artifact] if artifact else source.list_artifacts()
    made = [(folder, peek_manifest(folder)) for folder in folders]
    wishes = [
        ("onnxruntime", has_gpu(), "there is an NVIDIA GPU"),
        ("openvino-int8", True, "an int8 artifact is there"),
        ("openvino-bf16", has_bf16(), "the CPU multiplies bf16"),
        ("openvino", True, "it works on any CPU"),
        ("onnxruntime", True, "nothing else is there"),
    ]
    if choice != "auto":
        wishes = [(choice, True, "as LANDMARKS_ENGINE says")]
    for name, suits, why in wishes:
        for folder, manifest in made if suits else ():
            moved = choice == "auto" and name == "openvino-bf16" and not manifest.get("bf16")
            if manifest.get("engine", name) == MADE_AS.get(name, name) and not moved:
                yield name, folder, why


def convert(source: Source, choice: str, failed: list[str]) -> Path:
    """Convert a source in a process of its own, into the folder that is returned.

    Where the source's folder can't be written to, it is a temporary one. Raises DeclarationError.
    """
    if choice == "openvino-int8":
        made = f"`python -m predictor.convert {source.path} --calibrate FACES` makes it."
        raise EngineError(" ".join(failed) or f"There is no int8 artifact of {source.path}: {made}")
    folder = source.artifact
    if not os.access(source.root, os.W_OK):
        folder = Path(tempfile.mkdtemp(prefix="landmarks-")) / folder.name
    command = [sys.executable, "-m", "predictor.convert", str(source.path), f"--out={folder}"]
    if choice == "onnxruntime":
        folder = folder.with_name(f"{folder.name}-onnxruntime")
        command[-1:] = [f"--out={folder}", "--engine=onnxruntime"]
    logger.info("converting %s, once", source.path)
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths.rstrip(os.pathsep)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    for line in done.stdout.splitlines():
        logger.info(line)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["The conversion ended without a word."]
        raise DeclarationError(" ".join([lines[-1], *failed]))
    return folder


def list_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """List the CPU's features as Linux names them; empty where there is no /proc."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    found = (line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, "").split())


def has_bf16() -> bool:
    return not BF16.isdisjoint(list_features())


def has_gpu() -> bool:
    return NVIDIA.exists()
