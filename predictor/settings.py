"""The predictor's settings, read from LANDMARKS_* variables once at start."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from predictor.engines import ENGINES
from serving.settings import ServerSettings


class PredictorSettings(ServerSettings):
    """What network is served, by which engine, and how much it takes on."""

    model_config = SettingsConfigDict(populate_by_name=True)

    model: Path = Path("models/simple_unet.pth")
    """Model folder or file of weights to serve; a source that is not converted yet is, once."""
    models: Path | None = None
    """Folder of more models: each is a model folder, a folder of versions, or a file of weights."""
    artifact: Path | None = Field(
        None, validation_alias=AliasChoices("LANDMARKS_ARTIFACT", "LANDMARKS_ARTEFACT")
    )
    """Converted folder to load and no other; unset: the one beside the weights."""
    engine: str = Field(
        "auto",
        pattern="^[a-z0-9-]+$",
        description=f"What runs the network: auto, the fastest there is, or {', '.join(ENGINES)}.",
    )
    threads: int = Field(0, ge=0, le=1024)
    """Threads of the engine; 0: as many as the container may use."""
    max_batch: int = Field(0, ge=0, le=4096)
    """Faces in one run; 0: what the engine works best with."""
    max_faces: int = Field(256, ge=1, le=2**20)
    """Faces in one request."""
    max_heatmap_faces: int = Field(32, ge=1, le=2**20)
    """Faces in one request that asks for heatmaps, half a megabyte each; fewer of larger sets."""
    max_queued_faces: int = Field(2048, ge=1, le=2**20)
    """Faces waiting for a run beyond which a request gets 429."""
