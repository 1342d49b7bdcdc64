"""OpenVINO on the CPU: fp32, bf16 or int8, with no torch in the process."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino as ov

from predictor.decode import Floats, decode_heatmaps
from predictor.engines.base import Engine, FaceArray, scale_faces
from serving.cpus import count_cpus

SIZES = (4, 1)  # faces of a run; larger ones gain nothing and take more memory


class OpenVinoEngine(Engine):
    """One compiled model for each of SIZES: a fixed shape lets OpenVINO plan all ahead.

    Heatmaps are decoded where OpenVINO wrote them: nothing of them is copied unless
    `run` hands them out. int8 graphs are quantised already; what is left in them stays
    fp32.
    """

    precision = "f32"

    def __init__(
        self, name: str, model: Path | bytes, logits: bool, threads: int = 0, max_batch: int = 8
    ):
        self.name, self.logits, self.max_batch = name, logits, max_batch
        self.threads = threads or count_cpus()
        core = ov.Core()
        source = core.read_model(model)
        _, self.maps, *self.size = source.output(0).partial_shape.get_max_shape()  # [N, K, S, S]
        self.open(core, source)

    def open(self, core: ov.Core, model: ov.Model) -> None:
        self.requests = open_requests(core, model, self.precision, self.threads)

    def run(self, faces: FaceArray) -> Floats:
        maps = np.empty((len(faces), self.maps, *self.size), np.float32)
        for part, heatmaps in self.infer(faces):
            maps[part] = heatmaps
        return maps

    def predict(self, faces: FaceArray) -> tuple[Floats, Floats]:
        points = np.empty((len(faces), self.maps, 2), np.float32)
        scores = np.empty((len(faces), self.maps), np.float32)
        for part, heatmaps in self.infer(faces):
            points[part], scores[part] = decode_heatmaps(heatmaps, self.logits)
        return points, scores

    def infer(self, faces: FaceArray) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the batch with their heatmaps, which hold until the next slice."""
        scaled = scale_faces(faces)  # [N, 1, S, S]
        for part in split_faces(len(scaled)):
            request = self.requests[part.stop - part.start]
            request.set_input_tensor(ov.Tensor(scaled[part], shared_memory=True))
            request.infer()
            yield part, request.get_output_tensor(0).data


class Bf16Engine(OpenVinoEngine):
    """Computes in bf16 but for the last layer, whose heatmaps bf16 would round.

    Landmarks then moved twice as far on average, and by up to a pixel.
    """

    precision = "bf16"

    def open(self, core: ov.Core, model: ov.Model) -> None:
        keep_precise(model, "outc.conv")
        super().open(core, model)


def open_requests(
    core: ov.Core, model: ov.Model, precision: str, threads: int
) -> dict[int, ov.InferRequest]:
    """Compile the model for runs of each of SIZES."""
    requests = {}
    for size in SIZES:
        shape = model.input(0).partial_shape
        shape[0] = size
        model.reshape(shape)
        requests[size] = open_request(core, model, precision, threads)
    return requests


def open_request(core: ov.Core, model: ov.Model, precision: str, threads: int) -> ov.InferRequest:
    """Compile the model as it is."""
    config = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        # Pinned threads of two containers on one node would share a CPU.
        "ENABLE_CPU_PINNING": False,
    }
    return core.compile_model(model, "CPU", config).create_infer_request()


def keep_precise(model: ov.Model, layer: str) -> None:
    """Keep one layer fp32, whatever the rest computes in."""
    for op in model.get_ops():
        if op.get_friendly_name().split("/")[0] == layer:
            op.get_rt_info()["precise_0"] = ""


def split_faces(faces: int) -> list[slice]:
    """Cut a batch into runs of the largest of SIZES that fit."""
    parts, first = [], 0
    while first < faces:
        size = next(size for size in SIZES if size <= faces - first)
        parts.append(slice(first, first + size))
        first += size
    return parts
