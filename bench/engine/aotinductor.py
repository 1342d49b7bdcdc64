"""AOTInductor: the network compiled ahead of time into a shared library, for the ledger's rows."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from bench.engine.torch_steps import STEPS
from predictor.decode import Floats
from predictor.engines.base import Engine, FaceArray, scale_faces
from predictor.unet import UNet
from serving.cpus import count_cpus


class AheadEngine(Engine):
    """A package of torch.export and AOTInductor, which takes one face at a time."""

    def __init__(
        self, name: str, package: Path | bytes, logits: bool, threads: int = 0, max_batch: int = 8
    ):
        torch.set_num_threads(threads or count_cpus())
        self.name, self.logits, self.max_batch = name, logits, max_batch
        self.net = torch._inductor.aoti_load_package(str(package))

    def run(self, faces: FaceArray) -> Floats:
        x = torch.from_numpy(np.array(scale_faces(faces)))  # [N, 1, S, S]
        with torch.inference_mode():
            return torch.cat([self.net(face) for face in x.split(1)]).numpy()


class Grey(nn.Module):
    """Gives a colour network the grey face in each of its channels."""

    def __init__(self, net: nn.Module, channels: int):
        super().__init__()
        self.net, self.channels = net, channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x.expand(-1, self.channels, -1, -1))


def write_ahead(net: UNet, side: int, faces: Floats | None, folder: Path) -> str:
    """Compile in fp32; takes a C++ compiler and about a minute."""
    return compile_ahead(net, side, ("channels-last", "folded"), folder)


def write_ahead_bf16(net: UNet, side: int, faces: Floats | None, folder: Path) -> str:
    """Compile in bf16."""
    return compile_ahead(net, side, ("channels-last", "folded", "bf16"), folder)


def compile_ahead(unet: UNet, side: int, steps: tuple[str, ...], folder: Path) -> str:
    """Compile the network after these steps into a package; returns its file's name.

    For one face a run: with a free number of faces and frozen weights, torch 2.13's
    package answered wrongly (by 7 % of the largest value), and unfrozen it is slow.
    """
    net: nn.Module = unet
    for step in steps:
        net = STEPS[step](net)
    if unet.n_channels != 1:
        net = Grey(net, unet.n_channels)
    face = torch.rand(1, 1, side, side)
    with torch.no_grad():
        program = torch.export.export(net.eval(), (face,))
        torch._inductor.aoti_compile_and_package(
            program,
            package_path=str(folder / "unet.pt2"),
            inductor_configs={"freezing": True},
        )
    return "unet.pt2"
