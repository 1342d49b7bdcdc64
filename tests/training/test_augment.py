"""Points move with the pixels, whatever the augmentation or a turned head does."""

import cv2
import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from training.augment import (
    ROLL,
    Strength,
    augment_face,
    draw_affine,
    warp_face,
)
from training.disturb import cut_off
from training.faces import Frame
from training.turn.mouth import CHIN, CORNERS, LOWER, UPPER, drop_jaw
from training.turn.pose import OVAL, Pose, turn_face

FRAME = Frame(DEFAULT)
CROP, SIDE, FLIP = FRAME.crop, FRAME.side, DEFAULT.mirrored

STILL = dict.fromkeys(vars(Strength()), 0.0)
SPOTS = np.random.default_rng(0).uniform(88, 168, (15, 2)).astype(np.float32)


def draw_spot(point: np.ndarray, size: float = 3.0) -> np.ndarray:
    """Draw one bright Gaussian of `size` pixels at a crop point: RGB `[256,256,3]`."""
    y, x = np.mgrid[:CROP, :CROP]
    spot = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * size**2))
    return np.repeat((255 * spot).astype(np.uint8)[..., None], 3, axis=2)


def find_spot(picture: np.ndarray) -> np.ndarray:
    light = picture[..., 0].astype(float)
    y, x = np.mgrid[: light.shape[0], : light.shape[1]]
    return np.array([(x * light).sum(), (y * light).sum()]) / light.sum()


@pytest.mark.parametrize("name", list(STILL))
def test_points_move_with_pixels(name: str) -> None:
    strength = Strength(**{**STILL, name: 1.0 if name == "roll" else vars(Strength())[name]})
    for k in range(0, 15, 3):
        for seed in range(3):
            args = SPOTS, FRAME, np.random.default_rng(seed), strength
            warped, moved = warp_face(draw_spot(SPOTS[k]), *args)
            mirrored = np.random.default_rng(seed).random() < 0.5
            place = moved[FLIP[k] if mirrored else k]
            if ((place > 8) & (place < SIDE - 9)).all():
                assert np.abs(find_spot(warped) - place).max() < 0.6, (k, seed)


def test_unknown_points_stay_unknown() -> None:
    points = SPOTS.copy()
    points[4] = np.nan
    picture = cv2.blur(np.full((CROP, CROP, 3), 128, np.uint8), (3, 3))
    for seed in range(20):
        made, moved = augment_face(picture, points, FRAME, np.random.default_rng(seed))
        assert made.shape == (SIDE, SIDE) and made.dtype == np.uint8
        assert np.isnan(moved).any(axis=1).sum() == 1


def test_any_roll_that_the_transformer_leaves_to_the_network_is_drawn() -> None:
    rng = np.random.default_rng(0)
    affines = [draw_affine(FRAME, rng, Strength(**{**STILL, "roll": 1.0})) for _ in range(300)]
    angles = [np.degrees(np.arctan2(a[1, 0], a[0, 0])) for a in affines]
    assert min(angles) < -45 and max(angles) > 45 and max(np.abs(angles)) <= ROLL + 1e-3


def test_a_picture_that_ends_shows_nothing_beyond() -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    for seed in range(8):
        grey, hidden = (x + SIDE * y).astype(np.float32), np.zeros((SIDE, SIDE), bool)
        cut_off(grey, hidden, np.random.default_rng(seed))
        changed = grey != x + SIDE * y
        assert 0.04 * SIDE**2 < changed.sum() == hidden.sum() and (changed == hidden).all()


MIDDLE = 127.5


def make_head() -> np.ndarray:
    """Make a mesh `[478,3]`: half an egg, its vertices where the lips and the outline must be."""
    rng = np.random.default_rng(0)
    angle, size = rng.uniform(0, 2 * np.pi, 478), np.sqrt(rng.uniform(0, 0.9, 478))
    x, y = size * np.cos(angle), size * np.sin(angle)
    round_ = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    x[OVAL], y[OVAL] = np.sin(round_), -np.cos(round_)
    for rims, bow in ((UPPER, -1), (LOWER, 1)):
        for rim, thick in zip(rims, (0.08, 0.01), strict=True):
            at = np.linspace(-1, 1, len(rim))
            x[list(rim)], y[list(rim)] = 0.3 * at, 0.45 + bow * thick * (1 - at**2)
    x[CHIN], y[CHIN] = 0, 1
    z = -60 * np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))  # towards the viewer
    return np.stack([MIDDLE + 60 * x, MIDDLE + 80 * y, z], 1)


HEAD = make_head()


def test_no_turn_leaves_the_picture(seed: int = 0) -> None:
    picture = np.random.default_rng(seed).integers(0, 255, (256, 256, 3)).astype(np.uint8)
    same, points = turn_face(picture, HEAD, HEAD[:15, :2], Pose())
    assert np.abs(same.astype(int) - picture).max() <= 3  # rounding of the map
    np.testing.assert_allclose(points, HEAD[:15, :2], atol=1e-3)


@pytest.mark.parametrize("pose", [Pose(yaw=0.5), Pose(yaw=-0.5), Pose(pitch=0.35), Pose(jaw=0.3)])
def test_points_move_with_the_pixels(pose: Pose) -> None:
    """The made-up head is no real topology: a plane's colour at each point is what must hold."""
    x = np.arange(256, dtype=np.uint8)
    picture = np.stack([np.tile(x, (256, 1)), np.tile(x[:, None], (1, 256)), np.zeros((256, 256))])
    picture = picture.transpose(1, 2, 0).astype(np.uint8)  # its colour is the place
    at = HEAD[OVAL[::3], :2] * 0.999 + MIDDLE * 0.001
    turned, points = turn_face(picture, HEAD, at, pose)
    inside = (points * 0.97 + points.mean(0) * 0.03).round().astype(int)
    seen = turned[inside[:, 1], inside[:, 0], :2].astype(float)
    assert np.median(np.linalg.norm(seen - at, axis=1)) < 6


def test_a_dropped_jaw_moves_lower_lip_and_chin_alone() -> None:
    moved = drop_jaw(HEAD, 0.4)
    way = moved[:, 1] - HEAD[:, 1]
    height = HEAD[CHIN, 1] - HEAD[list(CORNERS), 1].mean()
    lower, upper = LOWER[1][5], UPPER[1][5]
    assert way[[lower, CHIN]] == pytest.approx(0.4 * height, rel=0.1)
    assert abs(way[upper]) < 0.02 * height
    assert 0.2 * way[CHIN] < way[CORNERS[0]] < 0.6 * way[CHIN]
    above = HEAD[:, 1] < MIDDLE
    assert np.abs(moved[above] - HEAD[above]).max() < 0.5
