"""Optimisations of a torch network: small functions, module in, module out."""

import copy

import torch
from torch import nn


def order_channels_last(net: nn.Module) -> nn.Module:
    """Keep a pixel's channels side by side, as the convolutions of oneDNN read them."""
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def fold_norms(net: nn.Module) -> nn.Module:
    """Fold each BatchNorm into the convolution before it."""
    net = copy.deepcopy(net)
    for module in net.modules():
        if isinstance(module, nn.Sequential):
            for i in range(len(module) - 1):
                conv, norm = module[i], module[i + 1]
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    module[i] = nn.utils.fuse_conv_bn_eval(conv, norm)
                    module[i + 1] = nn.Identity()
    return net
