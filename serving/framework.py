"""KServe, without loading what only its clients need: pandas and the Kubernetes API.

They are a third of a service's imports and tens of megabytes. KServe names them in type
hints and in functions that nothing here calls; those functions still work, and load them then.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

from prometheus_client import REGISTRY

from serving.telemetry import tracing  # noqa: F401  first: it minds OTEL_PROPAGATORS

# Module -> what KServe takes from it while it is imported.
SPARED = {"pandas": ("DataFrame",), "kubernetes": ("client", "config", "watch")}


class Later(ModuleType):
    """Stands for a module that is loaded at the first use of anything in it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


def import_framework() -> None:
    """Import KServe; what it spares can be imported as ever afterwards."""
    stands = {name: Later(name) for name in SPARED if name not in sys.modules}
    if "kserve" in sys.modules:
        return
    for name, stand in stands.items():
        for part in SPARED[name]:
            setattr(stand, part, Later(f"{name}.{part}"))
    sys.modules.update(stands)
    try:
        importlib.import_module("kserve")
    finally:
        for name, stand in stands.items():
            del sys.modules[name]
            for part in SPARED[name]:
                delattr(stand, part)


import_framework()

import kserve  # noqa: E402
from kserve import metrics as unfilled  # noqa: E402
from kserve import model_server  # noqa: E402
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb  # noqa: E402
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc  # noqa: E402

# Nothing fills KServe's histograms here: better no series than empty ones.
for _metric in (
    unfilled.PRE_HIST_TIME,
    unfilled.POST_HIST_TIME,
    unfilled.PREDICT_HIST_TIME,
    unfilled.EXPLAIN_HIST_TIME,
):
    REGISTRY.unregister(_metric)

__all__ = ["kserve", "model_server", "pb", "pb_grpc"]
