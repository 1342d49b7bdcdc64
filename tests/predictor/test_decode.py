"""Peaks are found to a fraction of a pixel, whatever the heatmap's values mean."""

import numpy as np
import pytest

from predictor.decode import decode_heatmaps

RANDOM = np.random.default_rng(0)


def draw_maps(points: np.ndarray, sigma: float = 1.2) -> np.ndarray:
    """Log-Gaussians `[N,K,96,96]` around points `[N,K,2]`."""
    y, x = np.mgrid[:96, :96]
    px, py = points[..., 0, None, None], points[..., 1, None, None]
    return (-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)).astype(np.float32)


@pytest.mark.parametrize("values", ["logits", "heights", "probabilities"])
def test_points_are_exact_between_pixels(values):
    points = RANDOM.uniform(1, 94, (3, 15, 2)).astype(np.float32)
    maps = draw_maps(points)
    given = {"logits": maps + 5, "heights": np.exp(maps)}
    given["probabilities"] = given["heights"] / given["heights"].sum(axis=(2, 3), keepdims=True)
    found, scores = decode_heatmaps(given[values], values)
    assert np.abs(found - points).max() < 0.01
    assert scores.min() > 0.8


def test_a_flat_or_split_map_scores_low():
    flat = np.zeros((1, 15, 96, 96), np.float32)
    assert decode_heatmaps(flat)[1].max() < 0.01
    two = draw_maps(np.full((1, 15, 2), 20.0))
    two = np.logaddexp(two, draw_maps(np.full((1, 15, 2), 70.0)))
    assert 0.4 < decode_heatmaps(two)[1].max() < 0.6


def test_a_peak_on_the_border_stays_inside_the_pixel():
    points = np.array([[[0, 0], [95, 95], [0, 40]]], np.float32)
    found, _ = decode_heatmaps(draw_maps(points))
    assert np.abs(found - points).max() <= 0.5


def test_rows_do_not_depend_on_their_neighbours():
    maps = RANDOM.normal(size=(4, 15, 96, 96)).astype(np.float32)
    together = decode_heatmaps(maps)
    for i in range(4):
        alone = decode_heatmaps(maps[i : i + 1])
        np.testing.assert_array_equal(together[0][i], alone[0][0])
        np.testing.assert_array_equal(together[1][i], alone[1][0])
