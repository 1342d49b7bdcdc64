"""The settings of both services, read by one process."""

from pydantic import Field

from predictor.settings import PredictorSettings
from transformer.settings import TransformerSettings


class StandaloneSettings(PredictorSettings, TransformerSettings):
    """What the predictor reads and what the transformer reads; `predictor` has no use here."""

    # Its older name, LANDMARKS_MAX_FACES, is the predictor's limit here, and that alone.
    max_picture_faces: int = Field(1024, ge=1)
    """Faces in one request, those found in all its pictures counted."""
