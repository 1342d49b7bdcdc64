"""Folding and the decoder on the device give the numbers that they stand for."""

from pathlib import Path

import numpy as np
import pytest
import torch

from predictor.decode import decode_heatmaps
from predictor.engines.cuda import SIZES, pick_size
from predictor.engines.decode_torch import decode_tensor
from predictor.engines.eager import EagerEngine
from predictor.engines.onnx_graph import build_onnx
from predictor.unet import UNet

SHAPES = [
    {},
    {"bilinear": False},
    {"wide_ups": True},
    {"n_channels": 3},
    {"conv_bias": True, "n_classes": 5},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_graph_is_the_network_whatever_its_shape(shape: dict):
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    net = UNet(base_width=8, **shape).train()
    faces = torch.rand(4, 1, 96, 96)
    grey = faces.expand(-1, net.n_channels, -1, -1)
    net(grey)  # gives the BatchNorms something to fold
    model = build_onnx(net.eval(), 96).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found = session.run(["heatmaps"], {"face": faces.numpy()})[0]
    with torch.no_grad():
        wanted = net(grey).numpy()
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize("logits", [True, False])
def test_decoding_on_the_device_is_decoding(checkpoint: Path, crops, logits: bool):
    maps = EagerEngine(checkpoint).run(crops)
    if not logits:
        maps = np.exp(maps - maps.max(axis=(2, 3), keepdims=True))
    maps[0, 0, 0, 0] = maps.max() + 1  # a peak in the corner, which has no neighbours
    points, scores = decode_tensor(torch.from_numpy(maps), logits)
    wanted = decode_heatmaps(maps, logits)
    assert np.abs(points.numpy() - wanted[0]).max() < 1e-3
    assert np.abs(scores.numpy() - wanted[1]).max() < 1e-4


def test_a_batch_takes_the_smallest_graph_that_holds_it():
    assert [pick_size(n) for n in (1, 3, 33, 64)] == [1, 4, 64, 64] and SIZES[-1] == 64
