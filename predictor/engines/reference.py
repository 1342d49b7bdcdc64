"""The reference: a checkpoint in eager fp32 torch, and what its heatmaps mean."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from predictor.checkpoint import load_unet
from predictor.decode import Floats
from predictor.engines.base import Faces, scale_faces, tell_logits
from predictor.engines.golden import load_face
from predictor.unet import UNet


def load_reference(checkpoint: str | Path) -> tuple[UNet, bool]:
    """Load a checkpoint, and tell from a real face whether its heatmaps are logits."""
    net = load_unet(checkpoint)
    return net, tell_logits(run_reference(net, load_face(), net.n_channels))


def run_reference(net: nn.Module, faces: Faces, channels: int = 1) -> Floats:
    """Run a torch network on faces `[N,1,96,96]`: heatmaps `[N,15,96,96]`."""
    x = torch.from_numpy(np.array(scale_faces(faces)))  # [N, 1, 96, 96], ours to write
    if channels != 1:  # a colour network sees the grey in each channel
        x = x.expand(-1, channels, -1, -1)
    with torch.inference_mode():
        return net(x).numpy()  # [N, 15, 96, 96]
