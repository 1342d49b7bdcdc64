"""What callers of the one process see: the transformer, and the models behind it."""

from serving.repository import Repository, State
from transformer.model import Transformer


class Front(Repository):
    """Serves the transformer; what is listed, loaded and unloaded are the predictor's models."""

    def __init__(self, transformer: Transformer, models: Repository):
        super().__init__([transformer], transformer.settings)
        self.behind = models

    def list_states(self) -> list[State]:
        return self.behind.list_states()

    async def load(self, name: str) -> None:
        await self.behind.load(name)

    async def unload(self, name: str) -> None:
        await self.behind.unload(name)
