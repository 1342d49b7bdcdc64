"""The error measure and the loss on cases whose answer is known."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from predictor.decode import decode_heatmaps
from training.evaluate import evaluate_nme, measure_errors
from training.faces import FaceDataset, cut_inputs, to_crop, to_input
from training.loss import make_targets, measure_loss


def make_faces(count: int) -> FaceDataset:
    """Make grey faces with random points that lie inside the input."""
    rng = np.random.default_rng(0)
    blank = np.array([""] * count)
    return FaceDataset(
        rng.integers(0, 255, (count, 256, 256, 3)).astype(np.uint8),
        rng.uniform(80, 170, (count, 15, 2)).astype(np.float32),
        np.zeros((count, 5, 2), np.float32),
        blank, blank, blank,
    )  # fmt: skip


def test_perfect_points_have_no_error() -> None:
    faces = make_faces(20)
    truth = iter(to_input(faces.points))
    errors = evaluate_nme(lambda x: np.stack([next(truth) for _ in x]), faces)
    assert errors.each.shape == (20, 15)
    assert errors.faces.max() == 0


def test_error_is_a_share_of_the_outer_eye_corners() -> None:
    truth = np.zeros((1, 15, 2), np.float32)
    truth[0, 3], truth[0, 5] = (70, 40), (20, 40)  # 50 pixels apart
    found = truth + np.array([3, 4], np.float32)
    assert measure_errors(found, truth).faces[0] == pytest.approx(5 / 50)


def test_unlabelled_points_count_for_nothing() -> None:
    truth = np.zeros((1, 15, 2), np.float32)
    truth[0, 3], truth[0, 8] = (50, 0), np.nan
    assert measure_errors(np.zeros_like(truth) + truth, truth).faces[0] == 0


def test_crop_and_input_frames_agree() -> None:
    points = np.array([[64 - 0.5, 192 - 0.5], [100, 120]], np.float32)
    np.testing.assert_allclose(to_input(points)[0], [-0.5, 95.5])  # the edges of both
    np.testing.assert_allclose(to_crop(to_input(points)), points, atol=1e-4)


def test_inputs_show_a_spot_where_to_input_says() -> None:
    faces = make_faces(1)
    y, x = np.mgrid[:256, :256]
    faces.pictures[0] = (255 * np.exp(-((x - 110.3) ** 2 + (y - 140.8) ** 2) / 50))[..., None]
    seen = cut_inputs(faces)[0, 0].astype(float)
    y, x = np.mgrid[:96, :96]
    middle = [(x * seen).sum() / seen.sum(), (y * seen).sum() / seen.sum()]
    np.testing.assert_allclose(middle, to_input(np.array([110.3, 140.8], np.float32)), atol=0.05)


def test_decoder_undoes_the_targets() -> None:
    points = torch.tensor([[[30.3, 50.7], [10.0, 80.5]]])
    maps = make_targets(points, 96)
    assert torch.allclose(maps.sum((2, 3)), torch.ones(1, 2), atol=1e-5)
    found, _ = decode_heatmaps(maps.clamp_min(1e-30).log().numpy())
    np.testing.assert_allclose(found, points.numpy(), atol=0.02)


def test_points_outside_and_unknown_cost_nothing() -> None:
    points = torch.tensor([[[120.0, 50.0], [float("nan"), 5.0]]])
    logits = torch.randn(1, 2, 96, 96, requires_grad=True)
    loss = measure_loss(logits, make_targets(points, 96), points)
    loss.backward()
    assert logits.grad is not None
    assert loss.item() == 0 and not logits.grad.any()


def test_evaluate_needs_no_torch() -> None:
    code = "import sys, training.evaluate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
