"""Networks as people write them give their author's answers, whatever their names and parts."""

import json

import numpy as np
import pytest
import torch

from predictor.convert.artifact import convert
from predictor.convert.code import run_code
from predictor.convert.faces import vary_face
from predictor.declaration import DeclarationError
from predictor.folder import find_source
from predictor.unet import UNet
from tests.predictor.convert import zoo
from tests.predictor.convert.conftest import ask, bring, measure_distance


def make_net(name: str, *arguments: int) -> torch.nn.Module:
    torch.manual_seed(0)
    return getattr(zoo, name)(*arguments).eval()


KINDS = ["Leaky", "FiveLevels", "Sigmoid", "SimpleBaseline", "Hourglass", "Stacked"]
KINDS += ["Attention", "Nested", "HeatmapsAndOffsets", "OneByOne"]


@pytest.mark.parametrize("name", KINDS)
def test_the_points_are_the_authors(make_folder, name):
    net = make_net(name)
    engine = bring(make_folder(net))
    assert engine.landmarks.map_size == ((24, 24) if name == "SimpleBaseline" else (96, 96))
    assert measure_distance(engine, net) < 0.05


@pytest.mark.parametrize("name", ["Coordinates", "RowsOfXAndY", "RowsOfThree"])
def test_coordinates_are_brought_to_pixels(make_folder, name):
    net = make_net(name)
    engine = bring(make_folder(net, output={"unit": "relative"}))
    faces = vary_face(engine.size, 1, 6)
    wanted = ask(make_net("Coordinates"), faces).reshape(6, 15, 2) * 96
    assert np.abs(engine.predict(faces)[0] - wanted).max() < 0.05
    assert engine.landmarks.map_size == (0, 0)


def test_a_graph_of_whole_numbers_takes_pixels_to_255(tmp_path):
    net = make_net("Bytes")
    face = torch.zeros(1, 1, 96, 96, dtype=torch.uint8)
    torch.onnx.export(net, (face,), str(tmp_path / "net.onnx"), dynamo=False)
    assert measure_distance(bring(tmp_path), net, lambda faces: np.rint(faces * 255)) < 0.05


def test_a_face_need_not_be_square(make_folder):
    net = make_net("Leaky")
    engine = bring(make_folder(net, input={"side": [64, 96]}))
    assert engine.size == (64, 96) and engine.landmarks.side == 96
    assert measure_distance(engine, net) < 0.05


@pytest.mark.parametrize("kind", ["torchscript", "scripted", "export", "onnx", "bare graph"])
def test_a_file_of_a_whole_network_needs_no_code(tmp_path, kind):
    net, face = make_net("Levels"), torch.rand(1, 1, 96, 96)
    path = tmp_path / {"torchscript": "net.pt", "scripted": "net.pt", "export": "net.pt2"}.get(
        kind, "net.onnx"
    )
    if kind == "torchscript":
        torch.jit.save(torch.jit.trace(net, face), path)
    elif kind == "scripted":  # with the sizes and branches of its code
        net = UNet(base_width=4).eval()
        torch.jit.save(torch.jit.script(net), path)
    elif kind == "export":
        torch.export.save(torch.export.export(net, (face,)), path)
    else:
        torch.onnx.export(net, (face,), str(path), dynamo=False)
    engine = bring(path if kind == "bare graph" else tmp_path)
    assert measure_distance(engine, net) < 0.05


def test_the_gpus_artifact_gives_the_authors_answer_on_the_cpu(make_folder):
    pytest.importorskip("onnxruntime")
    net = make_net("Levels", 3)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    declared = {"color": "bgr", "mean": mean, "std": std}
    engine = bring(make_folder(net, arguments={"channels": 3}, input=declared), "onnxruntime")

    def prepare(faces):
        scaled = (faces[:, ::-1] - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
        return scaled.astype(np.float32)

    assert measure_distance(engine, net, prepare) < 0.05


REFUSED = {
    "NeedsArguments": r"It takes n_channels, n_classes: .*\"arguments\"",
    "Raises": "raises RuntimeError: no such thing",
    "not_a_module": r"makes a dict, not a torch\.nn\.Module",
    "Random": "does it draw random numbers",
    "Broken": "NaN or infinite values on a face: look at input",
    "ThroughNumPy": "a step of it leaves torch",
    "Squeezes": r"gives \[15, 96, 96\], without the axis of faces",
    "Levels": r"expected input.* Look at input\.side, input\.color",
    "Missing": "has no class Missing; it has Levels",
    "Coordinates": r"too near for pixels: .* \"relative\"",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_is_refused_in_one_sentence(make_folder, name):
    arguments = {"channels": 4} if name == "Levels" else {}
    net = zoo.Coordinates() if name == "Coordinates" else zoo.Levels(**arguments)
    folder = make_folder(net, network=f"model.py:{name}", arguments=arguments)
    before = {path.name for path in folder.iterdir()}
    source = find_source(folder)
    with pytest.raises(DeclarationError, match=REFUSED[name]):
        convert(source, source.artifact)
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == before


def test_code_in_several_files_finds_them_as_it_is_written(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "parts.py").write_text("Up = 1")
    (tmp_path / "sizes.py").write_text("WIDTH = 8")
    for line in ("from .parts import Up", "from unet.parts import Up", "from parts import Up"):
        path = tmp_path / "unet" / "unet_model.py"
        path.write_text(f"{line}\nimport sizes")
        assert run_code(path, tmp_path).Up == 1
    path.write_text("import no_such_package")
    with pytest.raises(DeclarationError, match="imports no_such_package, which is not there"):
        run_code(path, tmp_path)


def test_code_that_reads_its_command_line_has_none(tmp_path):
    path = tmp_path / "reads_arguments.py"
    path.write_text("import argparse\nargs = argparse.ArgumentParser().parse_args()")
    assert run_code(path, tmp_path).args is not None


def test_arguments_are_given_to_the_class(make_folder):
    net = make_net("NeedsArguments", 1, 5)
    engine = bring(make_folder(net, arguments={"n_channels": 1, "n_classes": 5}))
    assert engine.landmarks.points == tuple(f"point_{i}" for i in range(5))
    assert measure_distance(engine, net) < 0.05


def test_a_class_is_found_by_the_checkpoints_names(make_folder):
    folder = make_folder(zoo.SimpleBaseline())
    (folder / "model.json").unlink()
    engine = bring(folder)
    assert engine.landmarks.color == "rgb" and engine.landmarks.map_size == (24, 24)


def test_a_folder_changed_is_told_from_what_was_converted(make_folder):
    folder = make_folder(zoo.Levels())
    first = find_source(folder).digest()
    (folder / "model.json").write_text(json.dumps({"network": "model.py:Levels", "arguments": {}}))
    assert find_source(folder).digest() != first
