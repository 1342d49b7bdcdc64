"""The network has the public shape; any public checkpoint loads, or says why it can't."""

import argparse
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from predictor.checkpoint import CheckpointError, load_unet, load_weights
from predictor.declaration import DeclarationError
from predictor.file_kind import tell_kind
from predictor.unet import UNet
from tests.predictor.convert.zoo import Levels


def save(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def test_the_users_snippet_loads_our_weights():
    net = UNet()
    net.load_state_dict(torch.load("models/simple_unet.pth", map_location="cpu"))
    assert net.eval()(torch.zeros(1, 1, 96, 96)).shape == (1, 15, 96, 96)
    assert "up1.up.weight" in UNet(bilinear=False).state_dict()  # as the public one calls it


@pytest.mark.parametrize("side", [96, 90, 160])
def test_heatmaps_are_as_large_as_the_face(side: int):
    net = UNet(base_width=4).eval()
    assert net(torch.zeros(2, 1, side, side)).shape == (2, 15, side, side)


@pytest.mark.parametrize("bilinear", [True, False])
@pytest.mark.parametrize("wide_ups", [True, False])
@pytest.mark.parametrize("width, channels, maps", [(8, 1, 15), (16, 3, 68)])
def test_shape_is_read_from_the_tensors(tmp_path, bilinear, wide_ups, width, channels, maps):
    net = UNet(channels, maps, bilinear, width, wide_ups, conv_bias=channels == 3).eval()
    loaded = load_unet(save(tmp_path / "net.pth", net.state_dict()))
    face = torch.rand(1, channels, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(loaded(face), net(face))


@pytest.mark.parametrize("bilinear", [True, False])
@pytest.mark.parametrize("wide_ups", [True, False])
@pytest.mark.parametrize("below", [12, 8, 16])  # 8 or 16: up1 looks like a wide one
def test_widths_that_do_not_double_are_read_too(tmp_path, bilinear, wide_ups, below):
    widths = (4, 6, 10, 8, below, 8, 4, 8, 5)
    net = UNet(bilinear=bilinear, wide_ups=wide_ups, widths=widths).eval()
    loaded = load_unet(save(tmp_path / "net.pth", net.state_dict()))
    face = torch.rand(1, 1, 96, 96)
    assert loaded.widths == net.widths
    with torch.no_grad():
        torch.testing.assert_close(loaded(face), net(face))


LOST = "up2.conv.double_conv.3.weight"


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (lambda s: {"weights": [1, 2]}, "predictor/unet.py"),
        (lambda s: {"fc.weight": torch.zeros(2, 2)}, "put your model.py"),
        (lambda s: {k: v for k, v in s.items() if k != LOST}, f"it lacks {LOST}"),
        (lambda s: s | {LOST: torch.tensor(1.0)}, "has the shape"),
        (lambda s: s | {"extra.weight": torch.zeros(1)}, "it has besides extra.weight"),
        (lambda s: s | {"outc.conv.bias": torch.zeros(7)}, "outc.conv.bias has the shape [7]"),
        (lambda s: s | {"outc.conv.bias": torch.full((15,), torch.nan)}, "NaN"),
    ],
)
def test_a_wrong_checkpoint_is_refused_with_a_sentence(tmp_path, spoil, sentence):
    path = save(tmp_path / "net.pth", spoil(UNet(base_width=8).state_dict()))
    with pytest.raises(CheckpointError) as caught:
        load_unet(path)
    assert sentence in str(caught.value)


FILES = {
    "is truncated": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "There is no file": lambda path: path.unlink(),
    "is empty": lambda path: path.write_bytes(b""),
    "neither a checkpoint of torch nor": lambda path: path.write_text("hello"),
    "is a web page": lambda path: path.write_text("<!DOCTYPE html><html></html>"),
    "Git LFS pointer": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"),
    "is a packed file": lambda path: (
        shutil.make_archive(str(path), "tar", path.parent)
        and path.with_suffix(".pth.tar").replace(path)
    ),
    "is a packed file, and not of torch: unpack it": lambda path: path.write_bytes(b"\x1f\x8b\x08"),
    "holds NumPy arrays": lambda path: np.savez(path.open("wb"), weight=np.zeros(3)),
}


@pytest.mark.parametrize("words", FILES)
def test_what_is_not_a_checkpoint_is_told_for_what_it_is(tmp_path, words):
    path = save(tmp_path / "net.pth", UNet(base_width=8).state_dict())
    FILES[words](path)
    with pytest.raises(DeclarationError, match=words):
        tell_kind(path)


def test_kinds_are_told_by_content_whatever_the_name(tmp_path):
    net, face = nn.Conv2d(1, 2, 3).eval(), torch.rand(1, 1, 8, 8)
    made = {
        "torchscript": lambda path: torch.jit.save(torch.jit.trace(net, face), path),
        "export": lambda path: torch.export.save(torch.export.export(net, (face,)), path),
        "onnx": lambda path: torch.onnx.export(net, (face,), str(path), dynamo=False),
        "safetensors": lambda path: save_file(net.state_dict(), path),
        "checkpoint": lambda path: torch.save(net.state_dict(), path),
    }
    for kind, make in made.items():
        make(tmp_path / "net.pth")
        assert tell_kind(tmp_path / "net.pth") == kind


@dataclasses.dataclass
class Config:
    """What a stranger's trainer may leave in a checkpoint, and what is never run."""

    width: int = 8


def prefix(words: str, state: dict) -> dict:
    return {words + name: tensor for name, tensor in state.items()}


ONES = torch.ones(3)
WRAPS = {
    "params": lambda s: {"params": s},
    "a prefix inside": lambda s: {"model": prefix("module.", s)},
    "ema": lambda s: {"ema": s, "step": 3},
    "a list": lambda s: [3, s],
    "any prefix": lambda s: prefix("backbone.net.", s),
    "a loss beside it": lambda s: {"loss.weight": ONES, **s},
    "Lightning": lambda s: {"state_dict": {"criterion.weight": ONES, **prefix("model.", s)}},
    "averaged": lambda s: {"n_averaged": torch.tensor(3), **prefix("module.", s)},
    "numpy": lambda s: {"model_state": s, "args": argparse.Namespace(lr=np.float32(0.1))},
    "paths": lambda s: {"model_state": s, "best": np.float64(0.5), "path": Path("runs/1")},
    "half": lambda s: {k: v.half() if v.is_floating_point() else v for k, v in s.items()},
}


@pytest.mark.parametrize("case", WRAPS)
def test_a_checkpoint_fits_its_class_and_ours_however_it_was_saved(tmp_path, case):
    torch.manual_seed(0)
    wanted = UNet(base_width=4)
    state = {k: v for k, v in wanted.state_dict().items() if not k.endswith("batches_tracked")}
    path = save(tmp_path / "net.pth", WRAPS[case](state))
    net = UNet(base_width=4)
    load_weights(net, path)
    for loaded in (net.state_dict(), load_unet(path).state_dict()):
        for name, tensor in wanted.state_dict().items():
            torch.testing.assert_close(loaded[name], tensor, atol=1e-3, rtol=1e-3)


def test_what_does_not_fit_a_class_is_counted(tmp_path):
    path = save(tmp_path / "net.pth", UNet(base_width=4).state_dict())
    with pytest.raises(CheckpointError, match=r"lacks encoder\..* and .*besides inc\..* and 1"):
        load_weights(Levels(), path)


def test_what_holds_objects_is_refused_unread(tmp_path):
    for content in (UNet(base_width=8), {"state_dict": {}, "config": Config()}):
        with pytest.raises(CheckpointError, match=r"holds objects .* save net\.state_dict"):
            load_unet(save(tmp_path / "net.pth", content))


def test_of_two_networks_in_a_file_either_can_be_named(tmp_path):
    net, average, loaded = (UNet(base_width=4) for _ in range(3))
    content = {"ema": average.state_dict(), "model": net.state_dict()}
    path = save(tmp_path / "last.pt", content)
    (said,) = load_weights(loaded, path)
    assert '"weights": "last.pt:ema" takes the other' in said
    assert load_weights(loaded, path, "ema") == []
    torch.testing.assert_close(loaded.state_dict(), average.state_dict())
    with pytest.raises(CheckpointError, match="no part best; it has model, ema"):
        load_weights(loaded, path, "best")
