"""Start a shape from a trained UNet's weights, as far as they fit.

Of a block with fewer channels the strongest by BatchNorm stay; new channels start at random, and
nothing of the old listens to them yet. A convolution that is made separable becomes its best
approximation of that kind, one that goes before the upsampling its mean over two by two pixels.
"""

from typing import Any

import torch
from torch import Tensor, nn

from bench.shapes.networks import ShapedUNet
from predictor.unet import UNet

Parts = Any  # modules by their places, whose types torch does not tell

# Three taps after a bilinear doubling, averaged over two pixels: three taps before it.
HALVE = torch.tensor([[0.5, 0.125, 0], [0.5, 0.75, 0.5], [0, 0.125, 0.5]])


@torch.no_grad()
def transplant(net: ShapedUNet, unet: UNet) -> None:
    """Give the shape the weights of a UNet."""
    old: Parts = unet
    x = torch.zeros(1, dtype=torch.long)  # which channel of the old each new one is; -1: of none
    skips = [x := fill_block(net.inc, old.inc, x)]
    olds: Parts = (old.down1, old.down2, old.down3, old.down4)
    for down, was in zip(net.downs, olds, strict=True):
        skips.append(x := fill_block(down, was.maxpool_conv[1], x))
    x = skips.pop()
    olds = (old.up1, old.up2, old.up3, old.up4)
    for up, was in zip(net.ups, olds, strict=False):  # the last one may be left out
        skip = skips.pop()
        below = torch.where(x < 0, -1, x + was.conv.double_conv[0].in_channels // 2)
        x = fill_block(up.conv, was.conv, torch.cat([skip, below]), up)
    if net.shape.head == "full":
        maps = torch.arange(len(net.outc.conv.weight))
        take(net.outc.conv.weight, old.outc.conv.weight, maps, x)
        net.outc.conv.bias = old.outc.conv.bias


def fill_block(block: Parts, old: Parts, ins: Tensor, up: Parts = None) -> Tensor:
    """Fill two convolutions; `ins` are their input's old channels. Returns their output's."""
    for i in (0, 3):
        conv, norm, was = block.double_conv[i], block.double_conv[i + 1], old.double_conv[i + 1]
        outs = choose_channels(norm.num_features, was.weight.abs())
        fresh = nn.Conv2d(len(ins), norm.num_features, 3, bias=False).weight.data
        weight = take(fresh, old.double_conv[i].weight, outs, ins)
        if up and up.late and i == 0:
            half = len(ins) // 2
            low = torch.einsum("pa,oiab,qb->oipq", HALVE, weight[:, half:], HALVE)
            fill(up.skip, weight[:, :half])
            fill(up.below, low if up.late == 3 else low.sum((2, 3), keepdim=True))
        else:
            fill(conv, weight)
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(norm, name)[outs >= 0] = getattr(was, name)[outs[outs >= 0]]
        ins = outs
    return ins


def choose_channels(count: int, strength: Tensor) -> Tensor:
    """Choose which old channels `count` new ones are: the strongest, or all and -1 for more."""
    if count < len(strength):
        return strength.topk(count).indices.sort().values
    return torch.cat([torch.arange(len(strength)), torch.full((count - len(strength),), -1)])


def take(weight: Tensor, old: Tensor, outs: Tensor, ins: Tensor) -> Tensor:
    """Put the old weights `[o,i,h,w]` at their channels' new places in `weight`."""
    known = (ins >= 0)[:, None, None]
    weight[outs >= 0] = old[outs[outs >= 0]][:, ins.clamp_min(0)] * known
    return weight


def fill(conv: Parts, weight: Tensor) -> None:
    """Put weights `[o,i,h,w]` into a convolution, or their nearest into a separable one."""
    if isinstance(conv, nn.Conv2d):
        conv.weight.copy_(weight)
        return
    u, s, v = torch.linalg.svd(weight.transpose(0, 1).flatten(2), full_matrices=False)
    conv[0].weight.copy_(v[:, 0].view_as(conv[0].weight))  # [i, 9]
    conv[1].weight.copy_((u[:, :, 0] * s[:, :1]).T[:, :, None, None])  # [o, i, 1, 1]
