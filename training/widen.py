"""Copy a UNet into a wider one that draws the same."""

from collections.abc import Sequence

from predictor.unet import UNet
from training import DataError


def widen_unet(net: UNet, widths: Sequence[int]) -> UNet:
    """Copy a bilinear UNet into one of other `widths`, none of them smaller.

    New channels begin at random, and reach the old ones through weights of 0 (Net2Net's idea,
    Chen et al. 2016, arXiv:1511.05641). Raises DataError for what can't be copied.
    """
    wide = UNet(net.n_channels, net.n_classes, widths=widths)
    old, new = net.state_dict(), wide.state_dict()
    if old.keys() != new.keys() or any(
        ours > theirs for k in old for ours, theirs in zip(old[k].shape, new[k].shape, strict=True)
    ):
        raise DataError(f"A UNet of {net.widths} can't become one of {tuple(widths)}.")
    for name, tensor in old.items():
        if tensor.ndim < 4:
            new[name].view(-1)[: tensor.numel()] = tensor.view(-1)
            continue
        outputs, inputs = tensor.shape[:2]
        new[name][:outputs] = 0
        skip, place = inputs, inputs  # channels before what comes up, and where those begin now
        if name.startswith("up") and name.endswith("double_conv.0.weight"):
            level = 4 - int(name[2])
            skip, place = net.widths[level], widths[level]
        new[name][:outputs, :skip] = tensor[:, :skip]
        new[name][:outputs, place : place + inputs - skip] = tensor[:, skip:]
    wide.load_state_dict(new)
    return wide
