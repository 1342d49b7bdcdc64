"""Engines: different ways to run one network, behind one seam.

Importing this package imports none of torch, OpenVINO or ONNX Runtime: an engine's
module does so when it is chosen.
"""

from predictor.engines.base import Engine, EngineError
from predictor.engines.choice import load_engine
from predictor.engines.registry import ENGINES

__all__ = ["ENGINES", "Engine", "EngineError", "load_engine"]
