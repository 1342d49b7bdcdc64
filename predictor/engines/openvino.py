"""OpenVINO on the CPU: fp32, bf16 or int8, with no torch in the process."""

from pathlib import Path

import numpy as np
import openvino as ov

from predictor.decode import Floats, decode_heatmaps
from predictor.engines.base import Engine, Faces, scale_faces
from serving.cpus import count_cpus

# int8 graphs are quantised already; what is left in them stays fp32.
PRECISIONS = {"openvino": "f32", "openvino-bf16": "bf16", "openvino-int8": "f32"}


class OpenVinoEngine(Engine):
    """One compiled model and one request, which all runs share.

    Heatmaps are decoded where OpenVINO wrote them: nothing of them is copied unless
    `run` hands them out.
    """

    def __init__(
        self, name: str, model: Path | bytes, logits: bool, threads: int = 0, max_batch: int = 8
    ):
        self.name, self.logits, self.max_batch = name, logits, max_batch
        self.threads = threads or count_cpus()
        core = ov.Core()
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": PRECISIONS[name],
            "INFERENCE_NUM_THREADS": self.threads,
            # Pinned threads of two containers on one node would share a CPU.
            "ENABLE_CPU_PINNING": False,
        }
        source = core.read_model(model)
        if name == "openvino-bf16":
            keep_precise(source, "outc.conv")
        self.request = core.compile_model(source, "CPU", config).create_infer_request()

    def run(self, faces: Faces) -> Floats:
        parts = [self.infer(part).copy() for part in split_faces(faces, self.max_batch)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def locate(self, faces: Faces) -> tuple[Floats, Floats]:
        parts = [
            decode_heatmaps(self.infer(part), self.logits)
            for part in split_faces(faces, self.max_batch)
        ]
        if len(parts) == 1:
            return parts[0]
        points, scores = zip(*parts, strict=True)
        return np.concatenate(points), np.concatenate(scores)

    def infer(self, faces: Faces) -> Floats:
        """Give the heatmaps `[N,15,96,96]` in OpenVINO's own memory, valid until the next run."""
        tensor = ov.Tensor(scale_faces(faces), shared_memory=True)
        self.request.set_input_tensor(tensor)
        self.request.infer()
        return self.request.get_output_tensor(0).data


def keep_precise(model: ov.Model, layer: str) -> None:
    """Keep one layer fp32 where the rest computes in bf16.

    Of the last one bf16 would round the heatmaps: landmarks then moved twice as far on
    average, and by up to a pixel.
    """
    for op in model.get_ops():
        if op.get_friendly_name().split("/")[0] == layer:
            op.get_rt_info()["precise_0"] = ""


def split_faces(faces: Faces, size: int) -> list[Faces]:
    """Cut a batch into runs of at most `size` faces: memory grows with the run, speed does not."""
    return [faces[i : i + size] for i in range(0, len(faces), size)]
