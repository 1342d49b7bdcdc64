"""The reference engine: the UNet as it is, in eager fp32 torch."""

from pathlib import Path

import numpy as np
import torch

from predictor.checkpoint import load_unet
from predictor.decode import Floats
from predictor.engines.base import Engine, Faces


class EagerEngine(Engine):
    """Eager fp32 torch on the CPU; every other engine is measured against it."""

    name = "eager"
    max_batch = 16

    def __init__(self, checkpoint: str | Path, logits: bool = True, threads: int = 0):
        if threads:
            torch.set_num_threads(threads)
        self.net = load_unet(checkpoint)
        self.logits = logits

    def run(self, faces: Faces) -> Floats:
        x = torch.from_numpy(np.array(faces, np.float32))  # [N, 1, 96, 96], a copy
        if faces.dtype == np.uint8:
            x /= 255
        if self.net.n_channels != 1:  # a colour network sees the grey in each channel
            x = x.expand(-1, self.net.n_channels, -1, -1)
        with torch.inference_mode():
            return self.net(x).numpy()  # [N, 15, 96, 96]
