"""Torch engines that the ledger tries and serving does not use: steps on top of eager."""

import copy
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from predictor.engines.eager import EagerEngine
from predictor.engines.torch_steps import fold_norms, order_channels_last

Step = Callable[[nn.Module], nn.Module]


class Bf16(nn.Module):
    """Runs a UNet in bf16 but for its last convolution.

    bf16 has steps of 0.06 between 8 and 16, where a peak's logits lie: too coarse to
    tell a peak's pixel from its neighbour (landmarks moved by up to a pixel).
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.last: nn.Module = net.outc  # type: ignore[assignment]
        net.outc = nn.Identity()
        self.net = net.to(torch.bfloat16)

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
        return self.last(self.net(x).float())


def use_bf16(net: nn.Module) -> nn.Module:
    """Compute in bf16, which halves the bytes and doubles the multiplications a cycle."""
    return Bf16(copy.deepcopy(net))


def compile_inductor(net: nn.Module) -> nn.Module:
    """Compile with inductor at the first run, which takes a C++ compiler and some seconds."""
    import torch._inductor.config as config

    config.freezing = True  # weights become constants, packed as oneDNN wants them
    return torch.compile(net, dynamic=False)  # type: ignore[return-value]


STEPS: dict[str, Step] = {
    "channels-last": order_channels_last,
    "folded": fold_norms,
    "bf16": use_bf16,
    "compile": compile_inductor,
}

NAMES: dict[str, tuple[str, ...]] = {
    "eager": (),
    "channels-last": ("channels-last",),
    "folded": ("channels-last", "folded"),
    "torch-bf16": ("channels-last", "folded", "bf16"),
    "compiled": ("channels-last", "folded", "compile"),
    "compiled-bf16": ("channels-last", "folded", "bf16", "compile"),
}


def list_steps(engine: str) -> tuple[str, ...]:
    """List the steps of an engine's name; `eager+folded+bf16` spells them out."""
    return NAMES[engine] if engine in NAMES else tuple(engine.split("+")[1:])


class TorchEngine(EagerEngine):
    """A UNet after the steps that its name stands for, each on top of those before."""

    def __init__(self, name: str, checkpoint: str | Path, threads: int = 0):
        super().__init__(checkpoint, threads=threads)
        self.name = name
        for step in list_steps(name):
            self.net = STEPS[step](self.net)
