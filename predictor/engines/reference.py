"""The reference: a checkpoint in eager fp32 torch, its landmark set, and what its heatmaps mean."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from predictor.checkpoint import load_unet
from predictor.decode import Floats
from predictor.engines.base import FaceArray, are_logits, scale_faces
from predictor.engines.golden import load_face
from predictor.landmarks import check_count, load_landmarks
from predictor.unet import UNet
from serving.landmarks import LandmarkError, LandmarkSet


@dataclass(frozen=True, slots=True)
class Reference:
    """What a checkpoint holds."""

    net: UNet
    landmarks: LandmarkSet
    logits: bool


def load_reference(checkpoint: str | Path) -> Reference:
    """Load a checkpoint with its landmark set, and tell from a real face what heatmaps mean.

    Raises CheckpointError, or LandmarkError where the set is broken or of another count.
    """
    checkpoint = Path(checkpoint)
    net = load_unet(checkpoint)
    try:
        landmarks = load_landmarks(checkpoint)
        check_count(landmarks, net.n_classes, checkpoint)
    except LandmarkError as error:
        text = str(error)
        raise LandmarkError(f"{text[0].upper()}{text[1:]}.") from None
    heatmaps = run_reference(net, load_face(landmarks.side), net.n_channels)
    return Reference(net, landmarks, are_logits(heatmaps))


def run_reference(net: nn.Module, faces: FaceArray, channels: int = 1) -> Floats:
    """Run a torch network on faces `[N,1,S,S]`: heatmaps `[N,K,S,S]`."""
    x = torch.from_numpy(np.array(scale_faces(faces)))  # [N, 1, S, S], ours to write
    if channels != 1:  # a colour network sees the grey in each channel
        x = x.expand(-1, channels, -1, -1)
    with torch.inference_mode():
        return net(x).numpy()  # [N, K, S, S]
