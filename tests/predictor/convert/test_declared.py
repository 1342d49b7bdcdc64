"""What model.json declares is what is served, or is refused in a sentence that names its field."""

import json
import textwrap
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from predictor.checkpoint import load_unet
from predictor.convert.artifact import convert
from predictor.convert.code import tell
from predictor.convert.faces import vary_face
from predictor.declaration import DeclarationError, read_declaration
from predictor.decode import Reader
from predictor.engines.golden import load_face
from predictor.folder import find_source
from predictor.unet import UNet
from tests.predictor.convert.conftest import bring

MODELS = Path(__file__).resolve().parents[3] / "models"
CODE = """
import torch
from predictor.unet import UNet as Base
class UNet(Base):
    def forward(self, x):
        return {body}
"""
FACES = vary_face((96, 96), 1, 6)
WIDTHS = load_unet(MODELS / "student_unet.pth").widths


@pytest.fixture(scope="module")
def shipped() -> UNet:
    return load_unet(MODELS / "student_unet.pth")


@pytest.fixture(scope="module")
def wanted(shipped: UNet) -> np.ndarray:
    with torch.no_grad():
        return Reader().read_points(shipped(torch.from_numpy(FACES)).numpy(), (96, 96))[0]


def make(folder: Path, state: dict, body: str = "super().forward(x)", **declared: Any) -> Path:
    (folder / "model.py").write_text(CODE.format(body=body))
    torch.save(state, folder / "simple_unet.pth")
    (folder / "model.json").write_text(json.dumps({"arguments": {"widths": WIDTHS}, **declared}))
    return folder


Declared = dict[str, Any]
DECLARED: dict[str, tuple[str, Declared]] = {  # the network's body, and what has to be declared
    "pixels 0..255": ("super().forward(x / 255)", {"input": {"range": [0, 255]}}),
    "pixels -1..1": ("super().forward((x + 1) / 2)", {"input": {"range": [-1, 1]}}),
    "mean and std": ("super().forward(x * 0.25 + 0.5)", {"input": {"mean": [0.5], "std": [0.25]}}),
    "colour": ("super().forward(x @ 1 if False else x[:, :1])", {"input": {"color": "rgb"}}),
    "last axis": ("super().forward(x.permute(0, 3, 1, 2))", {"input": {"layout": "NHWC"}}),
    "softmax": (
        "super().forward(x).flatten(2).softmax(2).view(-1, 15, 96, 96)",
        {"output": {"values": "probabilities"}},
    ),
    "second output": ("(x, super().forward(x))", {"output": {"pick": 1}}),
    "named output": (
        "{'aux': -super().forward(x), 'out': super().forward(x)}",
        {"output": {"pick": "out"}},
    ),
    "maps of half the size": ("torch.nn.functional.avg_pool2d(super().forward(x), 2)", {}),
}


@pytest.mark.parametrize("case", DECLARED)
def test_a_declared_network_gives_the_shipped_ones_points(tmp_path, shipped, wanted, case):
    body, declared = DECLARED[case]
    engine = bring(make(tmp_path, shipped.state_dict(), body, **declared))
    faces = FACES if engine.channels == 1 else FACES.repeat(3, 1)
    moved = np.linalg.norm(engine.predict(faces)[0] - wanted, axis=2)
    assert moved.max() < (1.5 if "half" in case else 0.05)
    assert engine.landmarks.low > 0.4


def test_a_mean_position_is_read_where_that_is_declared(tmp_path, shipped):
    engine = bring(make(tmp_path, shipped.state_dict(), output={"read": "soft-argmax"}))
    with torch.no_grad():
        share = shipped(torch.from_numpy(FACES)).flatten(2).softmax(2).view(-1, 15, 96, 96)
    grid = torch.arange(96.0)
    wanted = torch.stack([share.sum(2) @ grid, share.sum(3) @ grid], 2)
    assert np.abs(engine.predict(FACES)[0] - wanted.numpy()).max() < 0.05


def test_order_of_blue_and_red_is_as_declared(tmp_path, shipped):
    """A network that reads its first channel alone sees blue as bgr, and red as rgb."""
    for color, channel in (("bgr", 2), ("rgb", 0)):
        folder = tmp_path / color
        folder.mkdir()
        declared: dict[str, Any] = {"input": {"color": color}}
        engine = bring(make(folder, shipped.state_dict(), "super().forward(x[:, :1])", **declared))
        faces = np.zeros((1, 3, 96, 96), np.float32)
        faces[:, channel] = FACES[:1, 0]
        with torch.no_grad():
            own = shipped(torch.from_numpy(FACES[:1])).numpy()
        assert np.abs(engine.run(faces) - own).max() < 1e-2


def test_trust_is_measured_on_what_the_network_scores(tmp_path, shipped):
    body = "super().forward(x).flatten(2).softmax(2).view(-1, 15, 96, 96).mul(8).clamp(max=1)"
    engine = bring(make(tmp_path, shipped.state_dict(), body))
    assert engine.reader.values == "heights" and engine.landmarks.low < 0.7
    scores = engine.predict(load_face((96, 96)))[1]
    assert np.exp(np.log(scores).mean()) > engine.landmarks.low


WRONG: dict[str, tuple[Declared, str]] = {
    "heights": ({"output": {"values": "heights"}}, "output.values says heights"),
    "probabilities": ({"output": {"values": "probabilities"}}, "sums to"),
    "points": ({"points": ["a", "b"]}, r"2 points are named"),
    "check": ({"check": {"face": "face.png", "points": [[1, 1]] * 15}}, "pixels from check.points"),
    "no face": ({"check": {"face": "none.png", "points": [[1, 1]] * 15}}, "There is no file"),
    "pick": ({"output": {"pick": "logits"}}, r"output.pick is 'logits'; .* outputs are 0 \[N, 15"),
    "mean": ({"input": {"mean": [1, 2]}}, r"input.mean has 2 numbers; grey takes 1"),
    "score": ({"output": {"score": 0}}, "output.score is for networks of coordinates"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_declaration_that_is_not_true_names_its_field(tmp_path, shipped, case):
    declared, words = WRONG[case]
    folder = make(tmp_path, shipped.state_dict(), **declared)
    cv2.imwrite(str(folder / "face.png"), load_face((96, 96))[0, 0])
    source = find_source(folder)
    with pytest.raises(DeclarationError, match=words):
        convert(source, source.artifact)
    assert not source.artifact.exists()


POINTS = {"points": ["a", "b"]}
IMPOSSIBLE: dict[str, Declared] = {
    "'input.size' is not a key; there are side, color, ": {"input": {"size": 96}},
    "'zz' in .* is not one of the points": POINTS | {"mirror": [["a", "zz"]]},
    "mean_face has 1 of 2 points": POINTS | {"mean_face": [[0.5, 0.5]]},
}


@pytest.mark.parametrize("words", IMPOSSIBLE)
def test_what_cannot_be_is_one_sentence_before_anything_is_converted(tmp_path, words):
    (tmp_path / "model.json").write_text(json.dumps(IMPOSSIBLE[words]))
    with pytest.raises(DeclarationError, match=words) as caught:
        read_declaration(tmp_path / "model.json")
    assert "model.json: " in str(caught.value) and "\n" not in str(caught.value)


def test_the_authors_own_points_are_held_against_the_network(tmp_path, shipped, wanted):
    check = {"face": "face.png", "points": wanted[1].tolist()}
    cv2.imwrite(str(tmp_path / "face.png"), np.rint(FACES[1, 0] * 255).astype(np.uint8))
    assert bring(make(tmp_path, shipped.state_dict(), check=check)).landmarks.points


def test_a_checkpoint_of_another_forward_is_refused(tmp_path, shipped):
    """Its names are those of predictor/unet.py, and its author joins the other way round."""
    state = {name: tensor.clone() for name, tensor in shipped.state_dict().items()}
    for level in range(1, 5):
        weight = state[f"up{level}.conv.double_conv.0.weight"]
        skip = WIDTHS[4 - level]
        weight.copy_(torch.cat([weight[:, skip:], weight[:, :skip]], 1))
    torch.save(state, tmp_path / "simple_unet.pth")
    with pytest.raises(DeclarationError, match=r"unsure of its points .* put its model\.py"):
        convert(find_source(tmp_path), tmp_path / "converted")
    code = f"""
        import torch
        from predictor.unet import UNet as Base, Up
        def join(self, x, skip):
            return self.conv(torch.cat([self.up(x), skip], 1))
        class UNet(Base):
            def __init__(self):
                super().__init__(widths={WIDTHS})
                for up in (self.up1, self.up2, self.up3, self.up4):
                    up.forward = join.__get__(up)
    """
    (tmp_path / "model.py").write_text(textwrap.dedent(code))
    assert bring(tmp_path).landmarks.low > 0.5


def test_an_error_of_openvino_is_told_by_its_reason():
    error = RuntimeError("Exception from src/core.cpp:117:\nException from p.cpp:54:\nwhy it is.\n")
    assert tell(error) == "RuntimeError: why it is" and tell(ValueError()) == "ValueError"
