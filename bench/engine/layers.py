"""A UNet's layers as work: operations and bytes of each, and what OpenVINO takes for them."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov

from predictor.engines.openvino import OpenVinoEngine

ROUNDS = 60


@dataclass(slots=True)
class Layer:
    """One executed node: its name in the graph, kind, work and milliseconds at batch 1."""

    name: str
    kind: str
    ms: float
    operations: float  # of convolutions alone; a multiplication and its addition are two
    bytes: float  # weights, inputs and outputs, once each


def profile_engine(engine: OpenVinoEngine, model: Path | bytes) -> list[Layer]:
    """Time each node of an engine's model, the least of 60 runs on one face."""
    core = ov.Core()
    source = core.read_model(model)
    shape = [1, *source.input(0).partial_shape.get_max_shape()[1:]]  # [1, 1, S, S]
    source.reshape(shape)
    config = {"PERF_COUNT": True, "PERFORMANCE_HINT": "LATENCY"}
    config["INFERENCE_NUM_THREADS"] = engine.threads
    config["INFERENCE_PRECISION_HINT"] = engine.precision
    compiled = core.compile_model(source, "CPU", config)
    request = compiled.create_infer_request()
    face = np.random.default_rng(0).random(shape, np.float32)
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        request.infer([face])
        for node in request.profiling_info:
            times[node.node_name].append(node.real_time.total_seconds() * 1e3)
    work = {op.get_friendly_name(): op for op in compiled.get_runtime_model().get_ops()}
    layers = []
    for name, ms in times.items():
        op = work.get(name)
        if op is not None and min(ms) > 0:
            kind = str(op.get_rt_info()["layerType"].astype(str))
            layers.append(Layer(name, kind, min(ms), *count_work(op, kind)))
    return layers


def count_work(op: ov.Node, kind: str) -> tuple[float, float]:
    """Count a node's operations and bytes from the shapes of what goes in and out."""
    inputs = op.inputs()
    moved = sum(i.get_tensor().size for i in inputs) + op.output(0).get_tensor().size
    if kind != "Convolution":
        return 0.0, float(moved)
    weight = inputs[1].get_shape()  # [O, I, k, k]
    pixels = np.prod(op.output(0).get_shape()[2:])
    return 2.0 * float(np.prod(weight)) * float(pixels), float(moved)


def count_operations(layers: list[Layer]) -> float:
    """Sum the operations of all layers."""
    return sum(layer.operations for layer in layers)
