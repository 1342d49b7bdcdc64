"""Make a UNet wider that answers as before, for training to go on from.

python -m training.widen --model FILE.pth --width 12 --out FILE.pth
"""

import argparse

import torch
from torch import Tensor

from predictor.checkpoint import load_unet
from predictor.unet import UNet
from training.fit import save_weights


def widen_unet(net: UNet, width: int, seed: int = 0) -> UNet:
    """Make a UNet of a larger width with the channels of `net` among its own.

    The new channels start at random, and nothing of the old listens to them yet.
    """
    if width < net.base_width:
        raise ValueError(f"A UNet of width {net.base_width} cannot be made {width} wide.")
    torch.manual_seed(seed)
    wide = UNet(base_width=width)
    old, new = net.state_dict(), wide.state_dict()
    for name, tensor in new.items():
        if tensor.ndim == 4:
            joined = name.startswith("up") and name.endswith("double_conv.0.weight")
            place_weight(tensor, old[name], 2 if joined else 1)
        elif tensor.ndim == 1:
            tensor[: len(old[name])] = old[name]
    wide.load_state_dict(new)
    return wide


def place_weight(wide: Tensor, old: Tensor, blocks: int) -> None:
    """Place a convolution `[o,i,h,w]` in a wider one, its inputs in `blocks` that are joined."""
    outputs = len(old)
    wide[:outputs] = 0
    to = wide[:outputs].unflatten(1, (blocks, -1))
    of = old.unflatten(1, (blocks, -1))
    to[:, :, : of.shape[2]] = of


def main(words: list[str] | None = None) -> None:
    """Widen by a command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="the .pth to widen")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .pth to write")
    args = parser.parse_args(words)
    save_weights(widen_unet(load_unet(args.model), args.width), args.out)


if __name__ == "__main__":
    main()
