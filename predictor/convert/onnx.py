"""The author's network of torch as an ONNX file, with its declaration inside."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from predictor.convert.author import TorchAuthor
from predictor.convert.settle import Plan
from predictor.declaration import DeclarationError


class Declared(nn.Module):
    """Faces `[N,C,H,W]` 0..1 -> heatmaps `[N,K,h,w]`, or coordinates `[N,K,2|3]`."""

    scale: Tensor
    shift: Tensor

    def __init__(self, net: nn.Module, plan: Plan):
        super().__init__()
        self.net, self.plan = net, plan
        self.register_buffer("scale", torch.from_numpy(plan.scale)[:, None, None])
        self.register_buffer("shift", torch.from_numpy(plan.shift)[:, None, None])

    def forward(self, face: Tensor) -> Tensor:
        plan = self.plan
        face = (face.flip(1) if plan.color == "bgr" else face) * self.scale + self.shift
        found = self.net(face.permute(0, 2, 3, 1) if plan.layout == "NHWC" else face)
        values, score = found if plan.score else (found, None)
        points: Tensor = plan.finish(
            {plan.score: score, plan.pick: values}, torch.sigmoid, torch.cat
        )
        return points


def export_onnx(author: TorchAuthor, plan: Plan, path: Path) -> None:
    """Write the ONNX file; raises DeclarationError with what torch says."""
    names = [plan.pick, *([plan.score] if plan.score else [])]
    net = Declared(author.pick(names), plan).eval()
    face = torch.rand(plan.batch or 2, plan.channels, *plan.size)
    axes = {} if plan.batch else {"face": {0: "N"}, plan.reader.kind: {0: "N"}}
    try:
        ends: dict[str, Any] = {"input_names": ["face"], "output_names": [plan.reader.kind]}
        torch.onnx.export(net, (face,), str(path), **ends, dynamic_axes=axes, dynamo=False)
    except Exception as error:
        line = str(error).strip().splitlines()[0][:300]
        raise DeclarationError(f"torch cannot write this network as ONNX: {line}") from None
