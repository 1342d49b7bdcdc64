"""OpenVINO on the CPU: fp32, bf16 or int8, with no torch in the process."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino as ov

from predictor.decode import Floats
from predictor.engines.base import Engine, FaceArray, scale_faces
from predictor.manifest import Manifest
from serving.cpus import count_cpus

SIZES = (4, 1)  # faces of an execution; larger ones gain nothing and take more memory
PRODUCTS = ("Convolution", "ConvolutionBackpropData", "GroupConvolution", "MatMul")


class OpenVinoEngine(Engine):
    """One compiled model for each of SIZES: a fixed shape lets OpenVINO plan all ahead.

    Values are read where OpenVINO wrote them: nothing of them is copied unless `run` hands
    them out. int8 graphs are quantised already; what is left in them stays fp32.
    """

    precision = "f32"

    def open(self, model: Path, manifest: Manifest, threads: int) -> None:
        core = ov.Core()
        source = core.read_model(model)
        self.sizes = (manifest.batch,) if manifest.batch else SIZES
        self.tail = list(source.output(0).partial_shape.get_max_shape())[1:]  # [K, h, w] or [K, n]
        self.adjust(source)
        how = self.precision, threads or count_cpus()
        self.requests = {size: open_request(core, source, size, *how) for size in self.sizes}

    def adjust(self, model: ov.Model) -> None:
        """Change the model before it is compiled."""

    def run(self, faces: FaceArray) -> Floats:
        found = np.empty((len(faces), *self.tail), np.float32)
        for part, values in self.infer(faces):
            found[part] = values
        return found

    def predict(self, faces: FaceArray) -> tuple[Floats, Floats]:
        points = np.empty((len(faces), self.tail[0], 2), np.float32)
        scores = np.empty((len(faces), self.tail[0]), np.float32)
        for part, values in self.infer(faces):
            points[part], scores[part] = self.reader.read_points(values, self.size)
        return points, scores

    def infer(self, faces: FaceArray) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the batch with their values, which hold until the next slice."""
        scaled, first = scale_faces(faces), 0  # [N, C, H, W]
        while first < len(scaled):
            size = next(size for size in self.sizes if size <= len(scaled) - first)
            part = slice(first, first + size)
            self.requests[size].set_input_tensor(ov.Tensor(scaled[part], shared_memory=True))
            self.requests[size].infer()
            yield part, self.requests[size].get_output_tensor(0).data
            first += size


class Bf16Engine(OpenVinoEngine):
    """Computes in bf16 but for the last product, whose heatmaps bf16 would round.

    Landmarks then moved twice as far on average, and by up to a pixel.
    """

    precision = "bf16"

    def adjust(self, model: ov.Model) -> None:
        self.name = "openvino-bf16"
        find_products(model)[-1].get_rt_info()["precise_0"] = ""


def find_products(model: ov.Model) -> list[ov.Node]:
    """List a graph's convolutions and products of matrices, in the order of its computation."""
    return [op for op in model.get_ordered_ops() if op.get_type_name() in PRODUCTS]


def open_request(
    core: ov.Core, model: ov.Model, size: int, precision: str, threads: int
) -> ov.InferRequest:
    """Compile the model for executions of so many faces."""
    shape = model.input(0).partial_shape
    shape[0] = size
    model.reshape(shape)
    config = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        # Pinned threads of two containers on one node would share a CPU.
        "ENABLE_CPU_PINNING": False,
    }
    return core.compile_model(model, "CPU", config).create_infer_request()
