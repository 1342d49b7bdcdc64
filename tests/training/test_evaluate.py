"""Errors and targets on cases whose answer is known."""

import numpy as np
import pytest
import torch

from predictor.decode import decode_heatmaps
from tests.support.environment import run
from tests.training.made import make_folder, make_set
from training.distil import mix_targets
from training.evaluate import measure_errors, measure_faces
from training.faces import read_faces
from training.fit import add_twins
from training.index import DataError, read_rows
from training.loss import PULL, make_targets, measure_loss


def test_perfect_points_have_no_error(tmp_path) -> None:
    faces = read_faces(read_rows([make_folder(tmp_path)]), make_set())
    truth = iter(faces.frame.to_input(faces.points))
    errors = measure_faces(lambda x: np.stack([next(truth) for _ in x]), faces)
    assert errors.each.shape == (12, 4) and errors.faces.max() == 0
    assert errors.summary().startswith("n 12  NME mean 0.00 %")


def test_an_error_is_a_share_of_the_unit_and_unlabelled_points_count_for_nothing() -> None:
    truth = np.zeros((2, 3, 2), np.float32)
    truth[0, 0], truth[0, 2] = (70, 40), (20, 40)  # 50 pixels apart
    truth[1] = truth[0]
    truth[1, 2] = np.nan  # no unit: that of the other face counts
    found = np.nan_to_num(truth, nan=20) + np.array([3, 4], np.float32)
    assert measure_errors(found, truth, (0, 2)).faces == pytest.approx([0.1, 0.1])
    with pytest.raises(DataError, match="two points whose distance"):
        measure_errors(found[1:], truth[1:], (0, 2))


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
