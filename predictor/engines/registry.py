"""The table of engines, one row each: a new one is its file, its row and its requirement.

What a row names is imported when it is used, so that the table itself imports no runtime.
"""

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from predictor.engines.base import Engine, EngineError
from predictor.engines.hardware import BF16, GPU, INT8, Feature

NARROW = 12  # base width of the student: networks up to it are ranked as it was measured


@dataclass(frozen=True, slots=True)
class EngineKind:
    """One way to run a network."""

    name: str
    """What LANDMARKS_ENGINE, the manifests and the ledger call it."""
    engine: str
    """`module:Class` that opens it: an artifact's model, or a checkpoint."""
    source: Literal["artifact", "either", "checkpoint"]
    """What it loads; `either`: an artifact, or a graph built of the checkpoint at start."""
    package: str
    """The package it takes, whose other releases may not load its artifacts."""
    writer: str = ""
    """`module:function` that writes its artifact's model."""
    calibrated: bool = False
    """Its writer takes ranges from real faces."""
    needs: Feature | None = None
    """Without this hardware it does not work."""
    gains: Feature | None = None
    """This hardware is what makes it fast."""
    why: str = ""
    """Why `auto` takes it, beside the hardware."""
    x_eager: Mapping[str, float] = field(default_factory=dict)
    """How many times as fast as eager for one face, by kind of CPU.

    The ledgers of bench/results have it: `amx` is xeon-amx's, `vnni` is epyc's; `narrow` is the
    student's there (with AMX of an earlier one, of width 8), `any` the least of all measured."""
    experimental: str = ""
    """Why it is not to be relied on yet."""

    def import_engine(self) -> Callable[..., Engine]:
        """Import the class; raises ImportError for a package that is missing."""
        return pkgutil.resolve_name(self.engine)

    def import_writer(self) -> Callable[..., str]:
        """Import the function that writes the model's file and returns the file's name."""
        return pkgutil.resolve_name(self.writer)

    def estimate_speed(self, cpu: str, narrow: bool) -> float:
        """Return how fast it was on such a CPU, 0 where nothing was measured."""
        keys = [f"{cpu} narrow"] * narrow + [cpu, "any"]
        return next((self.x_eager[key] for key in keys if key in self.x_eager), 0.0)


ROWS = (
    EngineKind(
        name="openvino-int8",
        engine="predictor.engines.openvino:OpenVinoEngine",
        source="artifact",
        package="openvino",
        writer="predictor.export.writers:write_openvino_int8",
        calibrated=True,
        gains=INT8,  # runs anywhere, if slower; its golden answer guards it
        why="an int8 artifact is there",
        x_eager={"amx": 10.98, "amx narrow": 18.58, "vnni": 6.66, "vnni narrow": 19.41},
    ),
    EngineKind(
        name="openvino-bf16",
        engine="predictor.engines.openvino:Bf16Engine",
        source="either",
        package="openvino",
        writer="predictor.export.writers:write_openvino_bf16",
        needs=BF16,
        x_eager={"amx": 9.21, "amx narrow": 19.68, "vnni narrow": 14.88, "any": 3.9},
    ),
    EngineKind(
        name="openvino",
        engine="predictor.engines.openvino:OpenVinoEngine",
        source="either",
        package="openvino",
        writer="predictor.export.writers:write_openvino",
        why="OpenVINO is installed",
        x_eager={"any": 2.0},
    ),
    EngineKind(
        name="onnxruntime",
        engine="predictor.engines.onnxruntime:OnnxRuntimeEngine",
        source="either",
        package="onnxruntime",
        writer="predictor.export.writers:write_onnx",
        why="ONNX Runtime is installed",
        x_eager={"any": 1.9},
    ),
    EngineKind(
        name="cuda",
        engine="predictor.engines.cuda:CudaEngine",
        source="checkpoint",
        package="torch",
        needs=GPU,
        experimental="it has never run, no GPU was at hand when it was written",
    ),
    EngineKind(
        name="eager",
        engine="predictor.engines.eager:EagerEngine",
        source="checkpoint",
        package="torch",
        why="the reference works wherever torch does",
    ),
)
ENGINES = {row.name: row for row in ROWS}


def find_kind(name: str) -> EngineKind:
    """Return the row of this name; raises EngineError with the names there are."""
    if name not in ENGINES:
        raise EngineError(f"There is no engine '{name}'; there are auto, {', '.join(ENGINES)}.")
    return ENGINES[name]


def describe_engines() -> str:
    """Describe the choices that LANDMARKS_ENGINE offers."""
    names = [f"{row.name} (experimental)" if row.experimental else row.name for row in ROWS]
    return f"What runs the network: auto, the fastest this machine has, or {', '.join(names)}."
