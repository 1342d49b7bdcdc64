"""Engines: different ways to run one network, behind one seam.

Importing this package imports neither OpenVINO nor ONNX Runtime: an engine's module does so
when it is chosen.
"""

from predictor.engines.base import Engine, EngineError
from predictor.engines.choice import ENGINES, load_engine

__all__ = ["ENGINES", "Engine", "EngineError", "load_engine"]
