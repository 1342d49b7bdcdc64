"""Variants of the OpenVINO engine that the ledger tries and serving does not use."""

import os
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from predictor.decode import Floats, decode_heatmaps
from predictor.engines.base import Engine, Faces, scale_faces
from predictor.engines.openvino import OpenVinoEngine
from predictor.manifest import read_manifest


def open_variant(name: str, artefact: Path, threads: int) -> Engine:
    """Open a variant on an artefact, without the checks that serving does."""
    return VARIANTS[name](artefact / read_manifest(artefact).model, threads)


def rest_bf16(model: Path, threads: int) -> Engine:
    """What int8 leaves fp32 in bf16."""
    engine = OpenVinoEngine("openvino-int8", model, True, threads, 64)
    return recompile(engine, ov.Core().read_model(model), {"INFERENCE_PRECISION_HINT": "bf16"})


def everything(model: Path, threads: int) -> Engine:
    """No layer spared: the artefact is another one, the engine the same."""
    return OpenVinoEngine("openvino-int8", model, True, threads, 64)


def one_thread(model: Path, threads: int) -> Engine:
    """How much the second thread brings."""
    return OpenVinoEngine("openvino-int8", model, True, 1, 64)


class Streams(Engine):
    """One face a stream, so that no layer's end waits for the slower thread."""

    name, logits, max_batch = "int8-streams", True, 64

    def __init__(self, model: Path, threads: int):
        threads = threads or os.cpu_count() or 1
        config = {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads}
        compiled = ov.Core().compile_model(
            model, "CPU", {**config, "INFERENCE_PRECISION_HINT": "f32"}
        )
        self.requests = [compiled.create_infer_request() for _ in range(threads)]

    def run(self, faces: Faces) -> Floats:
        maps = np.empty((len(faces), 15, 96, 96), np.float32)
        self.each(faces, lambda i, heatmaps: np.copyto(maps[i], heatmaps[0]))
        return maps

    def locate(self, faces: Faces) -> tuple[Floats, Floats]:
        found: list = [None] * len(faces)

        def keep(i: int, heatmaps: Floats) -> None:
            found[i] = decode_heatmaps(heatmaps)

        self.each(faces, keep)
        points, scores = zip(*found, strict=True)
        return np.concatenate(points), np.concatenate(scores)

    def each(self, faces: Faces, use) -> None:
        """Run faces over all requests; use(i, heatmaps) while the other requests run."""
        scaled = scale_faces(faces)
        busy: set[int] = set()
        for i in range(len(scaled) + len(self.requests)):
            request = self.requests[i % len(self.requests)]
            done = i - len(self.requests)
            if done in busy:
                request.wait()
                use(done, request.get_output_tensor(0).data)
            if i < len(scaled):
                request.set_input_tensor(ov.Tensor(scaled[i : i + 1], shared_memory=True))
                request.start_async()
                busy.add(i)


class Mass(OpenVinoEngine):
    """The softmax's denominator in the graph, so that NumPy looks at the peaks alone."""

    def __init__(self, model: Path, threads: int):
        super().__init__("openvino-int8", model, True, threads, 64)
        source = ov.Core().read_model(model)
        maps = source.output(0).get_node().input_value(0)
        axes = ops.constant(np.array([2, 3], np.int64))
        below = ops.subtract(maps, ops.reduce_max(maps, axes, keep_dims=True))
        mass = ops.result(ops.reduce_sum(ops.exp(below), axes))
        recompile(self, ov.Model([*source.get_results(), mass], source.get_parameters()), {})


def recompile(engine: OpenVinoEngine, model: ov.Model, config: dict) -> OpenVinoEngine:
    """Replace an engine's compiled model."""
    usual = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": engine.threads}
    usual |= {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
    compiled = ov.Core().compile_model(model, "CPU", usual | config)
    engine.request = compiled.create_infer_request()
    return engine


VARIANTS = {
    "int8-rest-bf16": rest_bf16,
    "int8-everything": everything,
    "int8-one-thread": one_thread,
    "int8-streams": Streams,
    "int8-mass": Mass,
}
