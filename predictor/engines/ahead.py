"""AOTInductor: the network compiled ahead into a shared library, loaded at start."""

from pathlib import Path

import numpy as np
import torch

from predictor.decode import Floats
from predictor.engines.base import Engine, Faces, scale_faces
from serving.cpus import count_cpus


class AheadEngine(Engine):
    """A package of torch.export and AOTInductor, which takes one face at a time."""

    def __init__(
        self, name: str, package: Path | bytes, logits: bool, threads: int = 0, max_batch: int = 8
    ):
        torch.set_num_threads(threads or count_cpus())
        self.name, self.logits, self.max_batch = name, logits, max_batch
        self.net = torch._inductor.aoti_load_package(str(package))

    def run(self, faces: Faces) -> Floats:
        x = torch.from_numpy(np.array(scale_faces(faces)))  # [N, 1, 96, 96]
        with torch.inference_mode():
            return torch.cat([self.net(face) for face in x.split(1)]).numpy()
