"""The transformer's settings, read from LANDMARKS_* variables once at start."""

import os
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import SettingsConfigDict

from serving.cpus import count_cpus
from serving.settings import ServerSettings
from transformer.detectors.scales import FIRST

OLD_NAMES = {
    "LANDMARKS_DETECT_SIDE": "LANDMARKS_DETECT=thorough looks closer, with no face worse for it",
    "LANDMARKS_FIRST_LOOK": "LANDMARKS_DETECT=fast looks at 320x320 pixels first",
}
PAGE = Path(__file__).parent / "page"


class TransformerSettings(ServerSettings):
    """Where the predictor is, what pictures are taken and how faces are found."""

    model_config = SettingsConfigDict(populate_by_name=True)

    predictor: str = "127.0.0.1:8083"
    """Host and port of the predictor's gRPC; the flag --predictor_host wins."""
    predictor_authority: Path | None = None
    """PEM file of the authority that signed the predictor's certificate; none: no encryption."""
    demo_page: bool = True
    """Whether / shows a page on which pictures can be tried."""
    ready_needs_predictor: bool = True
    """Whether this service is ready only once the predictor has told its landmark set."""
    detector: Path | None = None
    """ONNX file of YuNet or CenterFace; unset: what `make models` chose."""
    detect: Literal["fast", "default", "thorough"] = Field("default", validate_default=True)
    """How closely pictures are looked at, where a request's parameter `detect` says nothing:
    docs/api.md has what each level finds and costs."""
    detect_budget: int = Field(10_000_000, ge=FIRST, le=2**30)
    """Most pixels that the scales of one picture may have together; only `thorough` has more than
    2.1 million. What a picture of any size costs to search is bounded by it."""
    any_way_up: bool = True
    """Whether pictures without a sure face, and faces whose points are doubtful, are looked at
    on either side and upside down as well, and leaning faces again with their eyes level."""
    min_score: float | None = Field(None, gt=0, lt=1)
    """Boxes with a lower score are no faces; unset: 0.57 for YuNet, 0.5 for CenterFace."""
    workers: int = Field(default_factory=count_cpus, ge=1, le=1024)
    """Threads that decode pictures and find faces."""
    max_pictures: int = Field(256, ge=1, le=2**20)
    """Pictures waiting for a worker or with one, beyond which a request gets 429."""
    max_pixels: int = Field(40_000_000, ge=10_000, le=2**30)
    """Largest picture, in pixels, told from its header before it is decoded."""
    max_images: int = Field(32, ge=1, le=4096)
    """Pictures in one request."""
    events_sink: str = Field("", pattern="^(https?://.+)?$")
    """URL to which answers go as CloudEvents: points, scores, sizes, no pixels; empty: none."""
    events_share: float = Field(0.01, ge=0, le=1)
    """Share of the answers that go there."""
    max_picture_faces: int = Field(
        1024,
        ge=1,
        le=2**20,
        # The second is the older name, which the predictor has for a limit of its own.
        validation_alias=AliasChoices("LANDMARKS_MAX_PICTURE_FACES", "LANDMARKS_MAX_FACES"),
    )
    """Faces in one request, those found in all its pictures counted."""

    @field_validator("detect")
    @classmethod
    def refuse_old_names(cls, detect: str) -> str:
        """Refuse variables that would be ignored in silence."""
        for name, now in OLD_NAMES.items():
            if name in os.environ:
                raise ValueError(f"{name} is gone: {now}")
        return detect

    @property
    def page(self) -> Path | None:
        """Where the page's files lie, None where none is shown."""
        return PAGE if self.demo_page else None
