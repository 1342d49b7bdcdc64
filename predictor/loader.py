"""Load networks: the default one, and those that lie in a folder of models.

A folder of models has a folder for each model with one for each version in it, which
holds the checkpoint (`unet/1/model.pth`). A checkpoint that lies in it without folders
is a model of its own, version 1.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from predictor.engines import load_engine
from predictor.golden import check_engine
from predictor.model import Predictor
from predictor.settings import PredictorSettings
from serving.model import VERSION
from serving.telemetry import metrics
from serving.telemetry.logs import logger

CHECKPOINTS = ("*.pth", "*.pt")


class CheckpointStore:
    """Loads predictors that share the engine's threads; safe to call from any thread."""

    def __init__(self, name: str, settings: PredictorSettings):
        self.name = name  # of the default model
        self.settings = settings
        self.threads = ThreadPoolExecutor(1, thread_name_prefix="engine")

    def list_versions(self) -> dict[str, list[str]]:
        """Name the versions of each model that could be loaded."""
        found = {self.name: {VERSION: self.settings.model}}
        for (name, version), path in find_checkpoints(self.settings.models).items():
            if path.resolve() != self.settings.model.resolve():
                found.setdefault(name, {})[version] = path
        self.paths = {(n, v): path for n, versions in found.items() for v, path in versions.items()}
        return {name: sorted(versions) for name, versions in found.items()}

    def load_model(self, name: str, version: str) -> Predictor:
        """Load, warm up and check one model.

        Raises EngineError, CheckpointError or GoldenError, each with one sentence.
        """
        begun = time.perf_counter()
        settings = self.settings
        path = self.paths[name, version]
        artifact = settings.artifact if path == settings.model else None
        engine = load_engine(settings.engine, path, artifact, settings.threads)
        distance = check_engine(engine, path)
        model = Predictor(name, settings, engine, self.threads, version)
        metrics.ENGINE.labels(model.engine_name, str(path)).set(1)
        logger.info(
            "loaded",
            extra={
                "model": name,
                "version": version,
                "engine": model.engine_name,
                "max_batch": model.batcher.max_batch,
                "golden_distance": distance,  # null: no golden answer to compare with
                "seconds": round(time.perf_counter() - begun, 3),
            },
        )
        return model

    def load_all(self) -> tuple[list[Predictor], dict[tuple[str, str], str]]:
        """Load every model there is: those, and why others could not be.

        The default model must load; a broken one beside it shall not take it down.
        """
        models, reasons = [], {}
        for name, versions in self.list_versions().items():
            for version in versions:
                try:
                    models.append(self.load_model(name, version))
                except (ValueError, RuntimeError, OSError) as error:
                    if (name, version) == (self.name, VERSION):
                        raise
                    reasons[name, version] = str(error)
                    logger.error("not loaded", extra={"model": name, "reason": str(error)})
        return models, reasons


def find_checkpoints(folder: Path | None) -> dict[tuple[str, str], Path]:
    """Find the checkpoints in a folder of models, by name and version."""
    found: dict[tuple[str, str], Path] = {}
    if folder is None or not folder.is_dir():
        return found
    for pattern in CHECKPOINTS:
        for path in sorted(folder.glob(pattern)):
            found.setdefault((path.stem, VERSION), path)
        for path in sorted(folder.glob(f"*/*/{pattern}")):
            if path.parent.name.isdecimal():
                found.setdefault((path.parent.parent.name, path.parent.name), path)
    return found
