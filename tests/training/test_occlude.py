"""Things in front of a face hide it and stay in range; an unknown point means none is drawn."""

import numpy as np
import pytest

from tests.training.face import FACE
from training.disturb import degrade_picture, move_camera
from training.faces import SIDE, to_input
from training.occlude import CHANCES, DRAWERS, occlude_face

POINTS = to_input(FACE)


@pytest.mark.parametrize("draw", DRAWERS)
def test_each_thing_hides_a_part_of_the_face_alone(draw) -> None:
    for seed in range(20):
        grey = np.full((SIDE, SIDE), 0.5, np.float32)
        draw(grey, POINTS, np.random.default_rng(seed))
        assert np.isfinite(grey).all() and grey.min() >= -0.01 and grey.max() <= 1.01
        assert 0.002 < (np.abs(grey - 0.5) > 0.02).mean() < 0.7, seed


def test_chances_are_whole() -> None:
    assert sum(CHANCES) == pytest.approx(1) and len(CHANCES) == len(DRAWERS)


def test_nothing_is_drawn_about_unknown_points() -> None:
    unknown = POINTS.copy()
    unknown[14] = np.nan
    for seed in range(20):
        grey = np.full((SIDE, SIDE), 0.5, np.float32)
        occlude_face(grey, unknown, np.random.default_rng(seed))
        assert (grey == 0.5).all()


def test_a_moving_camera_keeps_the_light_and_the_place() -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    spot = np.exp(-((x - 40.0) ** 2 + (y - 50.0) ** 2) / 8).astype(np.float32)
    for seed in range(10):
        blurred = move_camera(spot, np.random.default_rng(seed))
        assert blurred.sum() == pytest.approx(spot.sum(), rel=1e-3)
        middle = (x * blurred).sum() / blurred.sum(), (y * blurred).sum() / blurred.sum()
        assert middle == pytest.approx((40, 50), abs=0.5)
        assert blurred.max() < 0.95 * spot.max()


def test_a_degraded_picture_is_bytes() -> None:
    picture = np.full((SIDE, SIDE), 128, np.uint8)
    for seed in range(30):
        made = degrade_picture(picture, POINTS, np.random.default_rng(seed))
        assert made.dtype == np.uint8 and made.shape == (SIDE, SIDE)
