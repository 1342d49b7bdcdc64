"""V2 beside inference: health, metadata, configuration, statistics.

Each method gives what REST shows as JSON, and gRPC as a message of the same fields.
"""

from typing import Any

from serving.contract import EXTENSIONS
from serving.repository import Repository

Content = dict[str, Any]


class Management:
    """One method per call, of a model where it has a name, of no version the highest."""

    def __init__(self, repository: Repository, release: str):
        self.repository = repository
        self.release = release

    async def show_live(self, name: str, version: str) -> Content:
        return {"live": True}

    async def show_ready(self, name: str, version: str) -> Content:
        ready = await self.repository.check_ready()
        problems = [model.problem for model in self.repository.list_models()]
        return explain_ready({"ready": ready}, *problems)

    async def show_server(self, name: str, version: str) -> Content:
        return {"name": "landmarks", "version": self.release, "extensions": [*EXTENSIONS]}

    async def list_models(self, name: str, version: str) -> Content:
        return {"models": list(self.repository.models)}

    async def show_model(self, name: str, version: str) -> Content:
        model = self.repository.find(name, version)
        await model.refresh()
        content = model.describe()
        return content if version else content | {"versions": self.repository.list_versions(name)}

    async def show_model_ready(self, name: str, version: str) -> Content:
        model = self.repository.find(name, version)
        return explain_ready({"name": name, "ready": await model.check_ready()}, model.problem)

    async def show_config(self, name: str, version: str) -> Content:
        model = self.repository.find(name, version)
        await model.refresh()
        return model.describe_config()

    async def show_statistics(self, name: str, version: str) -> Content:
        models = [self.repository.find(name, version)] if name else self.repository.list_models()
        return {"model_stats": [model.describe_statistics() for model in models]}


def explain_ready(content: Content, *problems: str) -> Content:
    """Add why something is not ready, where that is known."""
    reason = "" if content["ready"] else " ".join(filter(None, problems))
    return content | {"reason": reason} if reason else content
