"""Train a landmark network on labelled faces of any point set, and measure it."""

from typing import Any

from numpy.typing import NDArray

Floats = NDArray[Any]  # float32 or wider; OpenCV's own types do not say which
Bytes = NDArray[Any]  # uint8


class DataError(ValueError):
    """A data folder or file is not as it must be; the message is one sentence."""
