"""Torch on the CPU in eager fp32, the network as it is: the reference."""

from pathlib import Path

import torch

from predictor.decode import Floats
from predictor.engines.base import Engine, FaceArray
from predictor.engines.reference import load_reference, run_reference
from serving.cpus import count_cpus


class EagerEngine(Engine):
    """The network as it was trained: every other engine is measured against it."""

    name = "eager"
    max_batch = 8

    def __init__(self, checkpoint: str | Path, logits: bool | None = None, threads: int = 0):
        torch.set_num_threads(threads or count_cpus())
        found = load_reference(checkpoint)
        self.landmarks = found.landmarks
        self.logits = found.logits if logits is None else logits
        self.channels = found.net.n_channels
        self.net: torch.nn.Module = found.net

    def run(self, faces: FaceArray) -> Floats:
        return run_reference(self.net, faces, self.channels)
