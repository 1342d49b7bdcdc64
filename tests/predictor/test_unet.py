"""The network has the public shape and loads the way that its users know."""

import pytest
import torch

from predictor.unet import UNet


def test_the_users_snippet_loads_our_weights():
    net = UNet()
    net.load_state_dict(torch.load("models/simple_unet.pth", map_location="cpu"))
    assert net.eval()(torch.zeros(1, 1, 96, 96)).shape == (1, 15, 96, 96)


def test_parameter_names_are_the_public_ones():
    names = set(UNet().state_dict())
    for name in (
        "inc.double_conv.0.weight",
        "down4.maxpool_conv.1.double_conv.4.running_var",
        "up1.conv.double_conv.1.bias",
        "outc.conv.bias",
    ):
        assert name in names
    assert "up1.up.weight" in UNet(bilinear=False).state_dict()


@pytest.mark.parametrize("side", [96, 90, 160])
def test_heatmaps_are_as_large_as_the_face(side: int):
    net = UNet(base_width=4).eval()
    assert net(torch.zeros(2, 1, side, side)).shape == (2, 15, side, side)
