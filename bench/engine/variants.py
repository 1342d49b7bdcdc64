"""Variants of the OpenVINO engine that the ledger tries and serving does not use."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from predictor.decode import Floats, decode_heatmaps
from predictor.engines.base import Engine, FaceArray, scale_faces
from predictor.engines.manifest import read_manifest
from predictor.engines.openvino import OpenVinoEngine, open_request


def open_variant(name: str, artifact: Path, threads: int) -> Engine:
    """Open a variant on an artifact, without the checks that serving does."""
    manifest = read_manifest(artifact)
    model = artifact / manifest.model
    engine = VARIANTS[name]("openvino-int8", model, True, threads)
    engine.landmarks = manifest.landmarks
    return engine


class RestBf16(OpenVinoEngine):
    """What int8 leaves fp32 in bf16."""

    precision = "bf16"


def one_thread(name: str, model: Path, logits: bool, threads: int) -> Engine:
    """How much the second thread brings."""
    return OpenVinoEngine(name, model, logits, 1)


class Streams(Engine):
    """One face a stream, so that no layer's end waits for the slower thread."""

    max_batch = 64

    def __init__(self, name: str, model: Path, logits: bool, threads: int):
        self.name, self.logits = name, logits
        threads = threads or os.cpu_count() or 1
        config = {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads}
        compiled = ov.Core().compile_model(
            model, "CPU", {**config, "INFERENCE_PRECISION_HINT": "f32"}
        )
        self.shape = compiled.output(0).partial_shape.get_max_shape()[1:]  # K, S, S
        self.requests = [compiled.create_infer_request() for _ in range(threads)]

    def run(self, faces: FaceArray) -> Floats:
        maps = np.empty((len(faces), *self.shape), np.float32)
        self.each(faces, lambda i, heatmaps: np.copyto(maps[i], heatmaps[0]))
        return maps

    def predict(self, faces: FaceArray) -> tuple[Floats, Floats]:
        found: list = [None] * len(faces)

        def keep(i: int, heatmaps: Floats) -> None:
            found[i] = decode_heatmaps(heatmaps)

        self.each(faces, keep)
        points, scores = zip(*found, strict=True)
        return np.concatenate(points), np.concatenate(scores)

    def each(self, faces: FaceArray, use) -> None:
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


class AnySize(OpenVinoEngine):
    """One model for any number of faces, whose memory is planned anew whenever that changes."""

    def open(self, core: ov.Core, model: ov.Model) -> None:
        self.request = open_request(core, model, self.precision, self.threads)

    def infer(self, faces: FaceArray) -> Iterator[tuple[slice, Floats]]:
        scaled = scale_faces(faces)  # [N, 1, S, S]
        self.request.set_input_tensor(ov.Tensor(scaled, shared_memory=True))
        self.request.infer()
        yield slice(0, len(faces)), self.request.get_output_tensor(0).data


class Mass(OpenVinoEngine):
    """The softmax's denominator in the graph, so that NumPy looks at the peaks alone."""

    def open(self, core: ov.Core, model: ov.Model) -> None:
        maps = model.output(0).get_node().input_value(0)
        axes = ops.constant(np.array([2, 3], np.int64))
        below = ops.subtract(maps, ops.reduce_max(maps, axes, keep_dims=True))
        mass = ops.result(ops.reduce_sum(ops.exp(below), axes))
        both = ov.Model([*model.get_results(), mass], model.get_parameters())
        super().open(core, both)

    def predict(self, faces: FaceArray) -> tuple[Floats, Floats]:
        points, scores = [], []
        for part, heatmaps in self.infer(faces):
            mass = self.requests[part.stop - part.start].get_output_tensor(1).data.ravel()
            found = decode_heatmaps(heatmaps, self.logits, mass)
            points.append(found[0])
            scores.append(found[1])
        return np.concatenate(points), np.concatenate(scores)


Opener = Callable[[str, Path, bool, int], Engine]  # name, model, logits, threads

VARIANTS: dict[str, Opener] = {
    "int8-rest-bf16": RestBf16,
    "int8-everything": OpenVinoEngine,  # no layer spared: the artifact is another one
    "int8-one-thread": one_thread,
    "int8-streams": Streams,
    "int8-any-size": AnySize,
    "int8-mass": Mass,
}
