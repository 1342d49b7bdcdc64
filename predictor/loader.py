"""Load networks: the default one, and those that lie in a folder of models.

A folder of models has a model folder for each model, or a folder for each of its versions
(`mesh/model.json`, `unet/1/model.pth`). A file of weights that lies in it is a model of its
own, version 1.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from predictor.engines import load_engine
from predictor.folder import DECLARATION, SUFFIXES
from predictor.manifest import MANIFEST_NAME
from predictor.model import Predictor
from predictor.settings import PredictorSettings
from serving.model import VERSION
from serving.telemetry import metrics
from serving.telemetry.logs import logger

Place = tuple[str, str]  # of a model: its name and version


class ModelStore:
    """Loads predictors that share the engine's threads; safe to call from any thread."""

    def __init__(self, name: str, settings: PredictorSettings):
        self.name = name  # of the default model
        self.settings = settings
        self.threads = ThreadPoolExecutor(1, thread_name_prefix="engine")

    def list_paths(self) -> dict[Place, Path]:
        """Find where each version of each model lies; raises ValueError where two are one."""
        default = self.settings.model
        found = {(self.name, VERSION): default}
        for place, path in find_models(self.settings.models).items():
            if path.resolve() == default.resolve():
                continue
            if place in found:
                raise ValueError(
                    f"LANDMARKS_MODELS has {path}, and LANDMARKS_MODEL is {default}: both are "
                    f"{place[0]}, version {place[1]}. Rename one, or leave one out."
                )
            found[place] = path
        return found

    def list_versions(self) -> dict[str, list[str]]:
        """Name the versions of each model that could be loaded."""
        versions: dict[str, list[str]] = {}
        for name, version in sorted(self.list_paths()):
            versions.setdefault(name, []).append(version)
        return versions

    def load_model(self, name: str, version: str) -> Predictor:
        """Load, warm up and check; raises EngineError, DeclarationError, FileNotFoundError."""
        begun = time.perf_counter()
        settings = self.settings
        path = self.list_paths().get((name, version))
        if path is None:
            raise FileNotFoundError(f"Model '{name}', version {version}, is not there any more.")
        artifact = settings.artifact if path == settings.model else None
        engine = load_engine(settings.engine, path, artifact, settings.threads)
        model = Predictor(name, settings, engine, self.threads, version)
        metrics.ENGINE.labels(name, version, model.engine_name).set(1)
        told = {
            "model": name,
            "version": version,
            "engine": model.engine_name,
            "max_batch": model.batcher.max_batch,
            "golden_distance": round(engine.distance, 3),
            "seconds": round(time.perf_counter() - begun, 3),
        }
        logger.info("loaded", extra=told)
        return model

    def load_all(self) -> tuple[list[Predictor], dict[Place, str]]:
        """Load every model there is: those, and why others could not be.

        The default model must load; whatever is wrong with one beside it is told in the index.
        """
        folder = self.settings.models
        if folder is not None and not folder.is_dir():
            raise ValueError(f"LANDMARKS_MODELS names {folder}, which is not a folder.")
        models, reasons = [], {}
        for name, version in self.list_paths():
            try:
                models.append(self.load_model(name, version))
            except Exception as error:
                if (name, version) == (self.name, VERSION):
                    raise
                reasons[name, version] = str(error)
                logger.error("not loaded", extra={"model": name, "reason": str(error)})
        return models, reasons


def find_models(folder: Path | None) -> dict[Place, Path]:
    """Find the models in a folder of models, by name and version."""
    found: dict[Place, Path] = {}
    if folder is None or not folder.is_dir():
        return found
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            found.setdefault((path.name.split(".")[0], VERSION), path)
        elif path.is_dir() and is_model(path):
            found.setdefault((path.name, VERSION), path)
        elif path.is_dir():
            for inner in sorted(path.iterdir()):
                if inner.is_dir() and inner.name.isdecimal() and inner.name.isascii():
                    found.setdefault((path.name, inner.name), inner)
    return found


def is_model(folder: Path) -> bool:
    """Check whether a folder holds a network of its own; a converted one belongs to a file."""
    if (folder / MANIFEST_NAME).is_file():
        return False
    return (folder / DECLARATION).is_file() or any(
        path.suffix.lower() in SUFFIXES | {".py"} for path in folder.iterdir()
    )
