"""Compile a torch network ahead of time with AOTInductor."""

from pathlib import Path

import torch
from torch import nn

from predictor.engines.torch_steps import STEPS
from predictor.unet import UNet


class Grey(nn.Module):
    """Gives a colour network the grey face in each of its channels."""

    def __init__(self, net: nn.Module, channels: int):
        super().__init__()
        self.net, self.channels = net, channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x.expand(-1, self.channels, -1, -1))


def compile_ahead(unet: UNet, steps: tuple[str, ...], folder: Path) -> str:
    """Compile the network after these steps into a package; gives its file name.

    For one face a run: with a free number of faces and frozen weights, torch 2.13's
    package answered wrongly (by 7 % of the largest value), and unfrozen it is slow.
    """
    net: nn.Module = unet
    for step in steps:
        net = STEPS[step](net)
    if unet.n_channels != 1:
        net = Grey(net, unet.n_channels)
    face = torch.rand(1, 1, 96, 96)
    with torch.no_grad():
        program = torch.export.export(net.eval(), (face,))
        torch._inductor.aoti_compile_and_package(
            program,
            package_path=str(folder / "unet.pt2"),
            inductor_configs={"freezing": True},
        )
    return "unet.pt2"
