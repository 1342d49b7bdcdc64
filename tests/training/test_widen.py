"""A widened network answers as before."""

import pytest
import torch

from predictor.unet import UNet
from training.widen import widen_unet


def test_a_wider_network_answers_as_before() -> None:
    torch.manual_seed(0)
    net = UNet(base_width=4)
    for module in net.modules():  # statistics and scales that are not those of a new network
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.get_buffer("running_mean"), 0, 0.1)
            torch.nn.init.uniform_(module.get_buffer("running_var"), 0.5, 1.5)
            torch.nn.init.normal_(module.weight, 1, 0.2)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    wide = widen_unet(net, 6)
    faces = torch.rand(2, 1, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(wide.eval()(faces), net.eval()(faces), atol=1e-4)
    assert wide.outc.conv.weight.shape[1] == 6
    with pytest.raises(ValueError, match="cannot be made 3 wide"):
        widen_unet(net, 3)
