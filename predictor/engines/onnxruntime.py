"""ONNX Runtime: on a GPU by its CUDA provider, else on the CPU, fp32."""

from pathlib import Path

import numpy as np
import onnxruntime

from predictor.decode import Floats
from predictor.engines.base import Engine, FaceArray, scale_faces
from predictor.manifest import Manifest
from serving.cpus import count_cpus

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


class OnnxRuntimeEngine(Engine):
    """One session of the best provider that the installed package has."""

    def open(self, model: Path, manifest: Manifest, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or count_cpus()
        providers = [p for p in PROVIDERS if p in onnxruntime.get_available_providers()]
        self.session = onnxruntime.InferenceSession(str(model), options, providers=providers)
        self.batch = manifest.batch

    def run(self, faces: FaceArray) -> Floats:
        scaled = scale_faces(faces)
        step = self.batch or len(scaled)
        starts = range(0, len(scaled), step)
        parts = [self.session.run(None, {"face": scaled[i : i + step]})[0] for i in starts]
        return np.concatenate(parts) if len(parts) > 1 else np.asarray(parts[0])
