"""Engines: different ways to run one network, behind one seam."""

from pathlib import Path

from predictor.engines.base import Engine


class EngineError(RuntimeError):
    """No engine could be loaded; the message is one sentence that says why."""


def load_engine(
    choice: str, checkpoint: Path, artefact: Path | None = None, threads: int = 0
) -> Engine:
    """Load the engine of this name, or for `auto` the fastest that this machine has."""
    if choice not in ("auto", "eager"):
        raise EngineError(f"There is no engine '{choice}'; there are auto and eager.")
    from predictor.engines.eager import EagerEngine

    return EagerEngine(checkpoint, threads=threads)
