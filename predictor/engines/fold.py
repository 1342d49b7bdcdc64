"""Fold a UNet's BatchNorm into its convolutions, in NumPy."""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from predictor.unet import UNet

Floats = NDArray[np.float32]
Layer = tuple[Floats, Floats]  # weight [O, I, k, k] and bias [O]


def fold_unet(net: UNet) -> dict[str, Layer]:
    """Return weight and bias of each convolution by its name, BatchNorm folded in.

    A colour network sees the same grey in each of its channels, so that its first
    weight is summed over them: every folded network takes one channel. Exact up to
    the rounding of fp32; the folding itself is done in fp64.
    """
    layers: dict[str, Layer] = {}
    for name, module in net.named_modules():
        if isinstance(module, nn.Sequential) and name.endswith("double_conv"):
            layers[f"{name}.0"] = fold_norm(module[0], module[1])
            layers[f"{name}.3"] = fold_norm(module[3], module[4])
        elif isinstance(module, nn.ConvTranspose2d):
            layers[name] = to_numpy(module.weight), to_numpy(module.bias)
    layers["outc.conv"] = to_numpy(net.outc.conv.weight), to_numpy(net.outc.conv.bias)
    weight, bias = layers["inc.double_conv.0"]
    layers["inc.double_conv.0"] = weight.sum(axis=1, keepdims=True), bias  # [w, 1, 3, 3]
    return layers


def fold_norm(conv: nn.Module, norm: nn.Module) -> Layer:
    """Fold one BatchNorm in eval mode into the convolution before it."""
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    mean, variance = to_numpy(norm.running_mean, "f8"), to_numpy(norm.running_var, "f8")
    scale = to_numpy(norm.weight, "f8") / np.sqrt(variance + norm.eps)  # [O]
    bias = to_numpy(conv.bias, "f8") if conv.bias is not None else 0
    weight = to_numpy(conv.weight, "f8") * scale[:, None, None, None]
    bias = to_numpy(norm.bias, "f8") + (bias - mean) * scale
    return weight.astype(np.float32), bias.astype(np.float32)


def to_numpy(tensor: object, kind: str = "f4") -> NDArray:
    """Copy a parameter out of torch."""
    return np.array(tensor.detach().numpy(), kind)  # type: ignore[attr-defined]
