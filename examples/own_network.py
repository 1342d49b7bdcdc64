"""Serve a network of your own: python -m examples.own_network, then make serve MODEL=out/mine."""

from pathlib import Path

import torch

from predictor.checkpoint import load_unet

network = load_unet("models/student_unet.pth")  # yours: faces [N,1,96,96] -> heatmaps [N,15,96,96]
faces = torch.zeros(1, 1, 96, 96)  # grey, 0..1; other sizes, colours and points: docs/own-model.md
Path("out/mine").mkdir(parents=True, exist_ok=True)
torch.export.save(torch.export.export(network, (faces,)), "out/mine/network.pt2")
