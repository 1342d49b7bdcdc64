"""ONNX Runtime on the CPU, fp32."""

from pathlib import Path

import numpy as np
import onnxruntime

from predictor.decode import Floats
from predictor.engines.base import Engine, FaceArray, scale_faces
from serving.cpus import count_cpus


class OnnxRuntimeEngine(Engine):
    """One session of the CPU provider."""

    def __init__(
        self, name: str, model: Path | bytes, logits: bool, threads: int = 0, max_batch: int = 8
    ):
        self.name, self.logits, self.max_batch = name, logits, max_batch
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or count_cpus()
        source = model if isinstance(model, bytes) else str(model)
        self.session = onnxruntime.InferenceSession(
            source, options, providers=["CPUExecutionProvider"]
        )

    def run(self, faces: FaceArray) -> Floats:
        return np.asarray(self.session.run(["heatmaps"], {"face": scale_faces(faces)})[0])
