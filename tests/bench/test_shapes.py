"""The shapes that were tried start as near to the trained network as they can."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from bench.shapes.accuracy import aim
from bench.shapes.networks import ShapedUNet, count_multiplications, list_shapes, make_conv
from bench.shapes.transplant import fill, transplant
from predictor.checkpoint import load_unet
from predictor.decode import decode_heatmaps
from predictor.engines.golden import load_face

SHAPES = list_shapes(12)


@pytest.fixture(scope="module")
def student():
    return load_unet("models/student_unet.pth")


def run_shape(student, name: str) -> np.ndarray:
    torch.manual_seed(0)
    net = ShapedUNet(SHAPES[name])
    transplant(net, student)
    with torch.inference_mode():
        return net.eval()(torch.from_numpy(load_face(96)).float() / 255).numpy()


def test_the_shipped_shape_is_the_shipped_network(student):
    face = torch.from_numpy(load_face(96)).float() / 255  # [1, 1, 96, 96]
    with torch.inference_mode():
        wanted = student(face).numpy()
    np.testing.assert_allclose(run_shape(student, "shipped"), wanted, atol=1e-4)


def test_a_convolution_before_the_upsampling_starts_near_the_one_after_it(student):
    wanted = decode_heatmaps(run_shape(student, "shipped"))[0]
    found = decode_heatmaps(run_shape(student, "3x3 before the upsampling"))[0]
    assert np.median(np.linalg.norm(found - wanted, axis=2)) < 2


def test_a_separable_convolution_starts_as_the_nearest_of_its_kind():
    depth, point = torch.randn(4, 1, 3, 3), torch.randn(6, 4, 1, 1)
    conv, x = make_conv(4, 6, 3, separable=True), torch.randn(1, 4, 8, 8)
    weight = point * depth.transpose(0, 1)  # [6, 4, 3, 3]
    with torch.no_grad():
        fill(conv, weight)
        np.testing.assert_allclose(conv(x), conv2d(x, weight, padding=1), atol=1e-4)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_draws_maps_of_the_size_that_it_aims_at(student, name):
    points = torch.full((1, 15, 2), 40.0)
    targets, _ = aim(SHAPES[name], points)
    assert run_shape(student, name).shape == targets.shape


def test_a_half_map_and_its_points_mean_the_same_place():
    shape = SHAPES["48x48 heatmaps"]
    points = torch.tensor([[[30.3, 61.7]]])
    targets, half = aim(shape, points)
    found = decode_heatmaps(np.log(targets.numpy() + 1e-30))[0]
    np.testing.assert_allclose(2 * found + 0.5, points.numpy(), atol=0.02)
    np.testing.assert_allclose(found, half.numpy(), atol=0.01)


def test_multiplications_are_counted():
    assert count_multiplications(ShapedUNet(SHAPES["shipped"])) == 154_939_392
