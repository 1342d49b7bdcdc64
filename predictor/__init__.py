"""The predictor: a custom KServe model that turns faces into their landmarks."""

import serving  # noqa: F401  keeps OpenVINO from calling home
