"""Any public checkpoint loads, and what can't be loaded says why."""

from pathlib import Path

import pytest
import torch

from predictor.checkpoint import CheckpointError, load_unet
from predictor.unet import UNet


def save(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


@pytest.mark.parametrize("bilinear", [True, False])
@pytest.mark.parametrize("wide_ups", [True, False])
@pytest.mark.parametrize("width, channels, maps", [(8, 1, 15), (16, 3, 68)])
def test_shape_is_read_from_the_tensors(tmp_path, bilinear, wide_ups, width, channels, maps):
    net = UNet(channels, maps, bilinear, width, wide_ups, conv_bias=channels == 3).eval()
    loaded = load_unet(save(tmp_path / "net.pth", net.state_dict()))
    face = torch.rand(1, channels, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(loaded(face), net(face))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {"model": {f"module.{name}": tensor for name, tensor in state.items()}},
        lambda state: {n: t for n, t in state.items() if not n.endswith("num_batches_tracked")},
        lambda state: {n: t.half() if t.is_floating_point() else t for n, t in state.items()},
    ],
)
def test_usual_wrappers_are_accepted(tmp_path, wrap):
    state = UNet(base_width=8).state_dict()
    assert load_unet(save(tmp_path / "net.pth", wrap(state))).base_width == 8


def without(state: dict, name: str) -> dict:
    return {key: tensor for key, tensor in state.items() if key != name}


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (lambda s: {"weights": [1, 2]}, "no dictionary of named tensors"),
        (lambda s: {"fc.weight": torch.zeros(2, 2)}, "no UNet of the public shape"),
        (lambda s: without(s, "up2.conv.double_conv.3.weight"), "lacks up2.conv.double_conv.3"),
        (lambda s: s | {"extra.weight": torch.zeros(1)}, "unknown tensor extra.weight"),
        (lambda s: s | {"outc.conv.bias": torch.zeros(7)}, "outc.conv.bias has shape [7]"),
        (lambda s: s | {"outc.conv.bias": torch.full((15,), torch.nan)}, "NaN"),
    ],
)
def test_a_wrong_checkpoint_is_refused_with_a_sentence(tmp_path, spoil, sentence):
    path = save(tmp_path / "net.pth", spoil(UNet(base_width=8).state_dict()))
    with pytest.raises(CheckpointError) as caught:
        load_unet(path)
    assert sentence in str(caught.value)


def test_a_whole_module_is_refused_unread(tmp_path):
    with pytest.raises(CheckpointError, match="plain tensors"):
        load_unet(save(tmp_path / "net.pth", UNet(base_width=8)))


def test_truncated_missing_and_foreign_files_are_refused(tmp_path):
    path = save(tmp_path / "net.pth", UNet(base_width=8).state_dict())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="truncated"):
        load_unet(path)
    with pytest.raises(CheckpointError, match="not a file"):
        load_unet(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(CheckpointError):
        load_unet(tmp_path / "text.pth")
