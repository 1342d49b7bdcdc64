"""The models that a server serves, by name and version, and how more come and go."""

import asyncio
import time
from typing import Protocol

from serving.admission import Admission
from serving.errors import InvalidRequest, ModelNotFound
from serving.model import Model
from serving.settings import ServerSettings
from serving.telemetry.logs import logger

State = dict[str, str]  # name, version, state and reason of one model


class ModelStore(Protocol):
    """Where models lie that could be loaded."""

    def list_versions(self) -> dict[str, list[str]]:
        """Name the versions of each model that is there."""

    def load_model(self, name: str, version: str) -> Model:
        """Load one; raises ValueError, RuntimeError or OSError with one sentence."""


class Repository:
    """The served models. All methods run on the event loop; loading itself does not."""

    def __init__(
        self,
        models: list[Model],
        settings: ServerSettings,
        store: ModelStore | None = None,
        managed: "Repository | None" = None,
    ):
        self.settings = settings
        self.store = store
        self.managed = managed or self  # whose models callers list, load and unload
        self.service = models[0].service
        self.admission = Admission(settings, self.service)
        self.models: dict[str, dict[str, Model]] = {}
        for model in models:
            if self.models.setdefault(model.name, {}).setdefault(model.version, model) != model:
                raise ValueError(f"Two models are named '{model.name}', version {model.version}.")
        self.reasons: dict[tuple[str, str], str] = {}  # why a model is not served
        self.changing = asyncio.Lock()
        self.draining = False

    def find(self, name: str, version: str = "") -> Model:
        """Return the model, of no version the highest; raise ModelNotFound with what there is."""
        versions = self.models.get(name, {})
        model = versions.get(version or max(versions, key=rank_version, default=""))
        if model is None:
            known = ", ".join(f"{m.name} (version {m.version})" for m in self.list_models())
            what = f"Model '{name}'" + (f" version '{version}'" if version else "")
            raise ModelNotFound(f"{what} is not served here; available: {known or 'none'}.")
        return model

    def list_models(self) -> list[Model]:
        return [model for versions in self.models.values() for model in versions.values()]

    def list_versions(self, name: str) -> list[str]:
        return sorted(self.models.get(name, {}), key=rank_version)

    async def check_ready(self) -> bool:
        """Check whether every model is ready."""
        models = self.list_models()
        return bool(models) and all([await model.check_ready() for model in models])

    def drain(self) -> None:
        """Report not ready from now on, and still answer."""
        self.draining = True
        for model in self.list_models():
            model.draining = True

    def list_states(self) -> list[State]:
        """Write the repository index: what is served, and what lies there unserved."""
        lying = self.store.list_versions() if self.store else {}
        keys = {(model.name, model.version) for model in self.list_models()}
        keys |= {(name, version) for name, versions in lying.items() for version in versions}
        return [self.state_of(name, version) for name, version in sorted(keys)]

    def state_of(self, name: str, version: str) -> State:
        model = self.models.get(name, {}).get(version)
        ready = model is not None and model.ready
        reason = "" if ready else self.reasons.get((name, version), "unloaded")
        state = "READY" if ready else "UNAVAILABLE"
        return {"name": name, "version": version, "state": state, "reason": reason}

    async def load(self, name: str) -> None:
        """Load all versions of a model, again if it is served already; no request is dropped.

        Raises ModelNotFound when no such model lies there, InvalidRequest when it is broken.
        """
        async with self.changing:
            lying = await asyncio.to_thread(self.store.list_versions) if self.store else {}
            if name not in lying:
                raise ModelNotFound(f"Model '{name}' is not there to be loaded.")
            loaded: dict[str, Model] = {}
            for version in lying[name]:
                try:
                    assert self.store is not None
                    model = await asyncio.to_thread(self.store.load_model, name, version)
                except Exception as error:  # a file's fault, whatever kind of error it takes
                    await close_all(list(loaded.values()))
                    self.reasons[name, version] = reason = str(error) or type(error).__name__
                    logger.error("not loaded", extra={"model": name, "reason": reason})
                    raise InvalidRequest(f"Model '{name}' cannot be loaded: {reason}") from None
                self.reasons.pop((name, version), None)
                model.draining = self.draining
                loaded[version] = model
            old, self.models[name] = self.models.get(name, {}), loaded
            await self.retire(list(old.values()))

    async def unload(self, name: str) -> None:
        """Stop serving a model once what it is working on is answered."""
        async with self.changing:
            if name not in self.models:
                raise ModelNotFound(f"Model '{name}' is not served.")
            await self.retire(list(self.models.pop(name).values()))

    async def retire(self, models: list[Model]) -> None:
        """Close models that `find` no longer returns, once their requests are answered."""
        await asyncio.sleep(0.05)  # a request that has just found one enters it meanwhile
        latest = time.monotonic() + self.settings.stop_seconds
        while any(model.inflight for model in models) and time.monotonic() < latest:
            await asyncio.sleep(0.02)
        await close_all(models)


async def close_all(models: list[Model]) -> None:
    for model in models:
        model.stop()
        await model.close()
        logger.info("unloaded", extra={"model": model.name, "version": model.version})


def rank_version(version: str) -> tuple[int, str]:
    """Order versions as numbers where they are some."""
    return (int(version) if version.isdecimal() else -1, version)
