"""An NVIDIA GPU: fp16 or bf16, channels last, one CUDA graph a batch size.

Experimental: it has never run, as no GPU was at hand when it was written. What needs
none (steps, sizes, decoding) is tested on the CPU.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from predictor.decode import Floats
from predictor.engines.base import Engine, EngineError, FaceArray
from predictor.engines.decode_torch import decode_tensor
from predictor.engines.reference import load_reference
from predictor.engines.torch_steps import fold_norms, order_channels_last
from serving.landmarks import LandmarkSet

SIZES = (1, 2, 4, 8, 16, 32, 64)  # faces of the captured graphs; a batch is padded to the next


class CudaEngine(Engine):
    """Replays a captured graph: copy in, network, decoding, copy out, with no launch by launch.

    A UNet of such small faces is some 60 kernels of a few microseconds each, which launching
    one by one would take longer than running.
    """

    name = "cuda"
    max_batch = SIZES[-1]

    def __init__(
        self, checkpoint: str | Path, threads: int = 0, half: torch.dtype = torch.bfloat16
    ):
        if not torch.cuda.is_available():
            raise EngineError("Engine cuda needs an NVIDIA GPU and a torch built for CUDA.")
        found = load_reference(checkpoint)
        self.landmarks, self.logits = found.landmarks, found.logits
        self.channels = found.net.n_channels
        self.stream = torch.cuda.Stream()
        self.net = order_channels_last(fold_norms(found.net)).to("cuda", half)
        self.half = half
        with torch.cuda.stream(self.stream), torch.inference_mode():
            self.graphs = {size: self.capture(size) for size in SIZES}

    def capture(self, size: int) -> "Captured":
        """Capture the work on one batch size."""
        captured = Captured(size, self.landmarks)
        for _ in range(3):  # cuDNN picks its algorithms before anything is captured
            self.compute(captured)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            self.compute(captured)
        captured.graph = graph
        return captured

    def compute(self, c: "Captured") -> None:
        """Faces of the pinned buffer to landmarks, scores and heatmaps on the device."""
        x = c.pinned.to("cuda", non_blocking=True).to(self.half).div(255)  # [N, 1, S, S]
        x = x.expand(-1, self.channels, -1, -1).contiguous(memory_format=torch.channels_last)
        c.heatmaps = self.net(x).float()  # [N, K, S, S]
        c.points, c.scores = decode_tensor(c.heatmaps, self.logits)
        c.points_out.copy_(c.points, non_blocking=True)
        c.scores_out.copy_(c.scores, non_blocking=True)

    def replay(self, faces: FaceArray) -> "Captured":
        """Run up to max_batch faces through the smallest graph that holds them."""
        captured = self.graphs[pick_size(len(faces))]
        assert captured.graph is not None
        scaled = faces if faces.dtype == np.uint8 else faces * np.float32(255)
        captured.pinned[: len(faces)].copy_(torch.from_numpy(np.array(scaled, np.float32)))
        with torch.cuda.stream(self.stream):
            captured.graph.replay()
        self.stream.synchronize()
        return captured

    def run(self, faces: FaceArray) -> Floats:
        parts = [faces[i : i + self.max_batch] for i in range(0, len(faces), self.max_batch)]
        maps = [self.replay(part).heatmaps[: len(part)].cpu().numpy() for part in parts]
        return np.concatenate(maps)

    def predict(self, faces: FaceArray) -> tuple[Floats, Floats]:
        points, scores = [], []
        for i in range(0, len(faces), self.max_batch):
            part = faces[i : i + self.max_batch]
            captured = self.replay(part)
            points.append(captured.points_out[: len(part)].numpy().copy())
            scores.append(captured.scores_out[: len(part)].numpy().copy())
        return np.concatenate(points), np.concatenate(scores)


class Captured:
    """One batch size's buffers and graph; pinned memory, so that copies overlap the host."""

    graph: "torch.cuda.CUDAGraph | None" = None
    heatmaps: Tensor
    points: Tensor
    scores: Tensor

    def __init__(self, size: int, landmarks: LandmarkSet, pin: bool = True):
        side, points = landmarks.side, len(landmarks)
        self.pinned = torch.zeros(size, 1, side, side, pin_memory=pin)  # FP32 0..255
        self.points_out = torch.zeros(size, points, 2, pin_memory=pin)
        self.scores_out = torch.zeros(size, points, pin_memory=pin)


def pick_size(faces: int) -> int:
    """Pick the smallest captured batch that holds so many faces."""
    return next(size for size in SIZES if size >= faces)
