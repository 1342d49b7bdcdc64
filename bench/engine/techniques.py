"""The ledger's rows: each technique, what it is tried on top of, and how to load it.

Losing ideas stay: a row says what was tried, not what was kept.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Technique:
    """One row: `engine` is an engine's name, or a variant of bench/engine/variants.py."""

    name: str
    engine: str
    kind: str  # "alone": on top of eager; "cumulative": on top of the row before
    artifact: str = ""  # the engine whose export it loads, if any
    wide: bool = True  # also at width 64


TECHNIQUES = (
    Technique("eager fp32 (the reference)", "eager", "alone"),
    Technique("channels last", "eager+channels-last", "alone"),
    Technique("BatchNorm folded", "eager+folded", "alone"),
    Technique("bf16", "eager+bf16", "alone"),
    Technique("inductor", "eager+compile", "alone", wide=False),
    Technique("channels last and folded", "folded", "cumulative"),
    Technique("... then bf16", "torch-bf16", "cumulative"),
    Technique("... then inductor", "compiled-bf16", "cumulative"),
    Technique("folded AOTInductor", "ahead", "alone", "ahead", wide=False),
    Technique("folded bf16 AOTInductor", "ahead-bf16", "alone", "ahead-bf16"),
    Technique("folded ONNX Runtime", "onnxruntime", "alone", "onnxruntime"),
    Technique("folded OpenVINO", "openvino", "cumulative", "openvino"),
    Technique("... then bf16", "openvino-bf16", "cumulative", "openvino-bf16"),
    Technique("... int8 instead (the default)", "openvino-int8", "cumulative", "openvino-int8"),
    Technique("int8 and the rest bf16", "int8-rest-bf16", "alone", "openvino-int8"),
    Technique(
        "int8 in the first and last layer too", "int8-everything", "alone", "int8-everything"
    ),
    Technique("int8 for any number of faces", "int8-any-size", "alone", "openvino-int8"),
    Technique("int8 on 1 thread", "int8-one-thread", "alone", "openvino-int8"),
    Technique("int8 in 2 streams of 1 thread", "int8-streams", "alone", "openvino-int8"),
    Technique(
        "int8 with the softmax sum in the graph", "int8-mass", "alone", "openvino-int8", wide=False
    ),
)
STUDENT = (
    Technique("student eager fp32", "eager", "alone"),
    Technique("student OpenVINO bf16", "openvino-bf16", "alone", "openvino-bf16"),
    Technique("student OpenVINO int8", "openvino-int8", "alone", "openvino-int8"),
)
