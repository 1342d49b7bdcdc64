"""Run a network in any of the product's engines: inputs to points and scores."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from predictor.engines import load_engine
from training.faces import Bytes, Floats

Locator = Callable[[Bytes], tuple[Floats, Floats]]
BATCH = 16


def load_locator(model: str | Path, engine: str = "eager") -> Locator:
    """Load a model as a callable uint8 `[N,1,96,96]` -> points `[N,15,2]`, scores `[N,15]`."""
    loaded = load_engine(engine, Path(model))

    def locate(inputs: Bytes) -> tuple[Floats, Floats]:
        parts = [loaded.predict(inputs[i : i + BATCH]) for i in range(0, len(inputs), BATCH)]
        points, scores = zip(*(part[:2] for part in parts), strict=True)
        return np.concatenate(points), np.concatenate(scores)

    return locate
