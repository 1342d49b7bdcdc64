"""The commands run from end to end on points that the project has never heard of; their errors."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from predictor.checkpoint import load_unet
from predictor.convert.faces import measure_errors
from predictor.decode import decode_heatmaps
from predictor.unet import UNet
from tests.support.environment import run
from tests.training.made import NAMES, make_folder, make_set
from training import cut, distil, evaluate, fit, train
from training.distil import mix_targets, move_maps
from training.evaluate import Errors, measure_faces
from training.faces import read_faces
from training.fit import add_twins
from training.index import DataError, read_rows
from training.loss import PULL, make_targets, measure_loss
from training.turn import __main__ as turn
from training.widen import widen_unet

MEAN = "models/student_unet.pth=0.5"
FAST = ["--steps", "3", "--batch", "2", "--threads", "1"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "mine", 20)


def run_train(data: Path, out: Path, *more: str) -> None:
    train.main(["--data", str(data), "--out", str(out), *FAST, *more])


def test_from_scratch_and_on_from_it_then_measured(data: Path, tmp_path: Path, capsys):
    first, second, student = (tmp_path / f"{name}.pth" for name in ("first", "second", "student"))
    run_train(data, first, "--width", "4", "--side", "32")
    said = capsys.readouterr().out
    assert "held out: 2 faces" in said and "errors are shares" in said
    assert load_unet(first).n_classes == len(NAMES)
    written = json.loads(first.with_suffix(".landmarks.json").read_text())
    assert (tuple(written["points"]), written["side"]) == (NAMES, 32)
    run_train(data, second, "--init", str(first), "--mean", f"{first}=0.5")
    words = ["--data", str(data), "--teacher", str(second), "--out", str(student)]
    distil.main([*words, *FAST, "--width", "4", "--side", "32", "--move", "--calm", "0.5"])
    evaluate.main(["--model", str(student), "--data", str(data), "--engine", "openvino"])
    said = capsys.readouterr().out
    assert "percent of the distance of left_ear and right_ear" in said
    assert "no part says val" in said and all(name in said for name in NAMES)


def test_training_learns(data: Path, tmp_path: Path, capsys):
    """Bright spots on noise are easy: the error must fall far below that of a guess."""
    words = ["--steps", "80", "--batch", "16", "--seed", "1", "--rate", "1e-2", "--keep", "0.9"]
    run_train(data, tmp_path / "out.pth", "--width", "4", "--side", "32", *words)
    assert float(re.findall(r"NME mean ([\d.]+) %", capsys.readouterr().out)[-1]) < 50


def test_a_run_that_was_cut_off_goes_on(data: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr(fit, "REPORT", 1)  # a state every 5 steps
    real, taken = fit.take_step, []

    def take_step(*parts):
        taken.append(1)
        if len(taken) == 8:
            raise RuntimeError("the machine went away")
        return real(*parts)

    monkeypatch.setattr(fit, "take_step", take_step)
    words = ["--width", "4", "--side", "32", "--steps", "10", "--resume"]
    with pytest.raises(SystemExit):
        run_train(data, tmp_path / "out.pth", *words)
    run_train(data, tmp_path / "out.pth", *words)
    assert "resumed after 5 steps" in capsys.readouterr().out
    assert len(taken) == 8 + 5 and not (tmp_path / "out.state").exists()


@pytest.mark.parametrize(
    ("command", "words", "says"),
    [
        (train, ["--init", "nosuch.pth"], "nosuch.pth"),
        (train, ["--init", "models/student_unet.pth"], "labels of left_eye_center"),
        (train, ["--side", "32", "--width", "4", "--mean", MEAN], "must match"),
        (evaluate, ["--model", "models/simple_unet.pth"], "labels of left_eye_center"),
    ],
)
def test_errors_are_one_sentence_and_two(data: Path, tmp_path: Path, capsys, command, words, says):
    out = ["--out", str(tmp_path / "out.pth"), *FAST] if command is train else []
    with pytest.raises(SystemExit) as ended:
        command.main(["--data", str(data), *out, *words])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and says in said and said.count("\n") == 1
    assert not (tmp_path / "out.pth").exists()


def test_a_data_folder_is_cut_and_its_faces_turned_with_their_own_points(data, tmp_path: Path):
    crops, turned = tmp_path / "crops", tmp_path / "turned"
    cut.main(["--pictures", str(data), "--out", str(crops)])
    rows = read_rows([crops])
    before = read_faces(read_rows([data]), make_set(96))
    after = read_faces(rows, make_set(96))
    np.testing.assert_allclose(after.points, before.points, atol=1.5)  # whole pixels
    middle = np.full((len(rows), 478, 3), 127.5) + np.random.default_rng(0).normal(0, 30, (478, 3))
    np.savez(crops / "mesh.npz", paths=[row["path"] for _, row in rows], mesh=middle)
    turn.main(["--data", str(crops), "--out", str(turned)])
    made = read_rows([turned])
    assert len(made) >= 18 and all(row["chin_x"] and row["box_x0"] for _, row in made)


def test_photographs_without_a_face_are_listed(tmp_path: Path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    with pytest.raises(SystemExit) as ended:
        cut.main(["--pictures", str(tmp_path / "none"), "--out", str(tmp_path / "out")])
    assert ended.value.code == 2 and "is not a folder" in capsys.readouterr().err
    try:
        cut.main(["--pictures", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    except SystemExit:
        assert "detector" in capsys.readouterr().err  # there is none here, and it says so
        return
    assert "torn.jpg,not a picture" in (tmp_path / "out/skipped.csv").read_text()


def test_perfect_points_have_no_error(tmp_path) -> None:
    faces = read_faces(read_rows([make_folder(tmp_path)]), make_set())
    truth = iter(faces.frame.to_input(faces.points))
    errors = measure_faces(lambda x: np.stack([next(truth) for _ in x]), faces)
    assert errors.each.shape == (12, 4) and errors.faces.max() == 0
    assert errors.summary().startswith("n 12  NME mean 0.00 %")
    faces.points[:, faces.frame.landmarks.unit_points[0]] = np.nan
    with pytest.raises(DataError, match="two points whose distance"):
        measure_faces(lambda x: np.zeros((len(x), 4, 2)), faces)


def test_an_error_is_a_share_of_the_unit_and_unlabelled_points_count_for_nothing() -> None:
    truth = np.zeros((2, 3, 2), np.float32)
    truth[0, 0], truth[0, 2] = (70, 40), (20, 40)  # 50 pixels apart
    truth[1] = truth[0]
    truth[1, 2] = np.nan  # no unit: that of the other face counts
    found = np.nan_to_num(truth, nan=20) + np.array([3, 4], np.float32)
    assert Errors(measure_errors(found, truth, (0, 2))).faces == pytest.approx([0.1, 0.1])


def test_points_outside_and_unknown_cost_nothing() -> None:
    points = torch.tensor([[[120.0, 50.0], [float("nan"), 5.0]]])
    logits = torch.randn(1, 2, 96, 96, requires_grad=True)
    loss = measure_loss(logits, make_targets(points, 96), points)
    loss.backward()
    assert logits.grad is not None
    assert loss.item() == 0 and not logits.grad.any()


def test_decoder_undoes_the_targets_and_scores_a_hidden_point_below_a_half() -> None:
    points, hidden = torch.tensor([[[30.3, 50.7], [10.0, 80.5]]]), torch.tensor([[True, False]])
    maps = mix_targets(make_targets(points, 96), points, hidden)
    assert torch.allclose(maps.sum((2, 3)), torch.ones(1, 2), atol=1e-5)
    found, scores = decode_heatmaps(maps.clamp_min(1e-30).log().numpy())
    np.testing.assert_allclose(found, points.numpy(), atol=0.02)
    assert scores[0, 0] < 0.5 < 0.9 < scores[0, 1]


def test_maps_move_onto_labels_that_are_near_and_are_drawn_anew_where_not() -> None:
    points = torch.tensor([[[30.3, 50.7], [60.0, 20.5], [float("nan")] * 2]])
    maps = make_targets(torch.tensor([[[32.0, 50.0], [10.0, 80.0], [40.0, 44.0]]]), 96)
    found, _ = decode_heatmaps(move_maps(maps, points.numpy()).float().numpy(), "probabilities")
    wanted = torch.cat([points[:, :2], torch.tensor([[[40.0, 44.0]]])], 1)
    np.testing.assert_allclose(found, wanted, atol=0.03)


@torch.no_grad()
def test_a_widened_network_draws_the_same() -> None:
    net = UNet(base_width=4).eval()
    wide = widen_unet(net, (5, 8, 20, 32, 40, 16, 12, 6, 8)).eval()
    face = torch.rand(2, 1, 48, 48)
    torch.testing.assert_close(wide(face), net(face))
    with pytest.raises(DataError, match="can't become"):
        widen_unet(net, (3, 8, 16, 32, 32, 16, 8, 4, 4))
    with pytest.raises(DataError, match="can't become"):
        widen_unet(UNet(base_width=4, wide_ups=True), wide.widths)


def test_twins_are_faces_in_other_noise_whose_points_are_pulled_together() -> None:
    points = torch.rand(8, 2, 2) * 60 + 15
    faces = torch.rand(8, 1, 96, 96), make_targets(points, 96), points
    inputs, targets, known = add_twins(3, *faces)
    assert torch.equal(known[-3:], known[:3]) and torch.equal(targets[-3:], targets[:3])
    assert 0 < (inputs[-3:] - inputs[:3]).abs().max() < 0.3
    logits = targets.clamp_min(1e-30).log()
    alone, apart = logits, torch.cat([logits[:-1], logits[-1:].roll(4, 3)])
    for maps, more in ((alone, 0), (apart, PULL * 3.5 / 6)):  # smooth L1 of 4 pixels, of x and y
        pulled = measure_loss(maps, targets, known, 3) - measure_loss(maps, targets, known)
        assert pulled.item() == pytest.approx(more, abs=0.02)


def test_evaluate_needs_no_torch() -> None:
    code = "import sys, training.evaluate; sys.exit('torch' in sys.modules)"
    run("python", "-c", code)
