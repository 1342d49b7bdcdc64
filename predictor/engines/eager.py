"""Torch on the CPU: the reference, eager fp32, and what a few small steps make of it."""

from pathlib import Path

import torch

from predictor.decode import Floats
from predictor.engines.base import Engine, Faces
from predictor.engines.build.reference import load_reference, run_reference
from predictor.engines.torch_steps import STEPS, list_steps
from serving.cpus import count_cpus


class TorchEngine(Engine):
    """A UNet after the steps that its name stands for, each on top of those before."""

    def __init__(
        self, name: str, checkpoint: str | Path, logits: bool | None = None, threads: int = 0
    ):
        torch.set_num_threads(threads or count_cpus())
        net, found = load_reference(checkpoint)
        self.name, self.max_batch = name, 8
        self.logits = found if logits is None else logits
        self.channels = net.n_channels
        self.net: torch.nn.Module = net
        for step in list_steps(name):
            self.net = STEPS[step](self.net)

    def run(self, faces: Faces) -> Floats:
        return run_reference(self.net, faces, self.channels)


class EagerEngine(TorchEngine):
    """Eager fp32 torch, the network as it is: every other engine is measured against it."""

    def __init__(self, checkpoint: str | Path, logits: bool | None = None, threads: int = 0):
        super().__init__("eager", checkpoint, logits, threads)
