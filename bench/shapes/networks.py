"""The shapes of network that were tried in the place of the shipped UNet's.

A shape is what differs from the UNet of predictor/unet.py: where it doubles the size, how many
channels its levels have, what its blocks are, and what its heatmaps are drawn by.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from predictor.landmarks import DEFAULT
from predictor.unet import DoubleConv, OutConv

K = len(DEFAULT)


@dataclass(frozen=True, slots=True)
class Shape:
    """One network; `channels` are those of the levels at S, S/2, S/4, and S/8 and S/16."""

    channels: tuple[int, int, int, int]
    head: str = "full"
    """`full`: heatmaps of S; `half`: of S/2; `shuffle`: of S, four values a pixel at S/2."""
    late: int = 0
    """Kernel of the convolution before the upsampling in the decoder; 0: after it, as shipped."""
    separable: int = 5
    """From which level on (0 at S, 4 at S/16) blocks are depthwise and 1x1; 5: none is."""


def list_shapes(w: int) -> dict[str, Shape]:
    """List the shapes of a base width by the names in the table."""
    base = Shape((w, 2 * w, 4 * w, 8 * w))
    cut = (16, 48, 96, 192) if w == 32 else (16, 16, 48, 96)  # all of them whole lanes
    return {
        "shipped": base,
        "48x48 heatmaps": replace(base, head="half"),
        "48x48, four sub-pixels each": replace(base, head="shuffle"),
        "3x3 before the upsampling": replace(base, late=3),
        "1x1 before the upsampling": replace(base, late=1),
        f"channels {'-'.join(map(str, cut))}": replace(base, channels=cut),
        "separable": replace(base, separable=0),
        "separable from S/4 on": replace(base, separable=2),
        "sub-pixels and 3x3 before": replace(base, head="shuffle", late=3),
        "sub-pixels and 1x1 before": replace(base, head="shuffle", late=1),
    }


class ShapedUNet(nn.Module):
    """The UNet of a shape: faces `[N,1,S,S]` -> heatmaps `[N,K,S,S]`, or `[N,K,S/2,S/2]`.

    Parts that are as shipped have the shipped names.
    """

    def __init__(self, shape: Shape):
        super().__init__()
        c, self.shape = shape.channels, shape
        self.inc = make_block(1, c[0], shape.separable <= 0)
        levels = zip(c, (*c[1:], c[3]), strict=True)
        self.downs = nn.ModuleList(
            make_block(i, o, shape.separable <= level) for level, (i, o) in enumerate(levels, 1)
        )
        ups = zip(c[::-1], (*c[2::-1], c[0]), strict=True)  # at S/8, S/4, S/2, S
        self.ups = nn.ModuleList(
            Up(i, o, shape.late, shape.separable <= 3 - level) for level, (i, o) in enumerate(ups)
        )
        if shape.head != "full":
            del self.ups[3]
        if shape.head == "shuffle":
            refined = max(2 * c[0], 32)
            self.refine = nn.Sequential(
                make_conv(c[0], refined, 3, False), nn.BatchNorm2d(refined), nn.ReLU(inplace=True)
            )
            self.outc = OutConv(refined, 4 * K)
        else:
            self.outc = OutConv(c[0], K)

    def forward(self, x: Tensor) -> Tensor:
        skips = [self.inc(x)]
        for down in self.downs:
            skips.append(down(functional.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for up in self.ups:
            x = up(x, skips.pop())
        if self.shape.head == "shuffle":
            return functional.pixel_shuffle(self.outc(self.refine(x)), 2)
        return self.outc(x)


class Up(nn.Module):
    """Double the size and join the skip: `[N,i,H,W]` and `[N,i,2H,2W]` -> `[N,o,2H,2W]`."""

    def __init__(self, inputs: int, outputs: int, late: int, separable: bool):
        super().__init__()
        self.late = late
        self.conv = make_block(2 * inputs, outputs, separable)
        if late:
            self.skip = make_conv(inputs, outputs, 3, separable)
            self.below = make_conv(inputs, outputs, late, separable and late == 3)
            self.conv.double_conv[0] = nn.Identity()

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        if self.late:
            return self.conv(self.skip(skip) + double(self.below(x)))
        return self.conv(torch.cat([skip, double(x)], dim=1))


def double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


def make_block(inputs: int, outputs: int, separable: bool) -> DoubleConv:
    """Make two convolutions with BatchNorm and ReLU; one of a single channel is always dense."""
    block = DoubleConv(inputs, outputs)
    if separable:
        block.double_conv[0] = make_conv(inputs, outputs, 3, inputs > 1)
        block.double_conv[3] = make_conv(outputs, outputs, 3, True)
    return block


def make_conv(inputs: int, outputs: int, kernel: int, separable: bool) -> nn.Module:
    """Make a convolution without bias, or a depthwise one and a 1x1."""
    if not separable:
        return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, kernel, padding=kernel // 2, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
    )


def count_multiplications(net: nn.Module, side: int = DEFAULT.side) -> int:
    """Count the multiplications of the convolutions for one face."""
    found = []

    def count(conv: Any, _: object, y: Tensor) -> None:
        found.append(conv.weight[0].numel() * y[0].numel())

    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, nn.Conv2d)]
    with torch.inference_mode():
        net.eval()(torch.zeros(1, 1, side, side))
    for hook in hooks:
        hook.remove()
    return sum(found)
