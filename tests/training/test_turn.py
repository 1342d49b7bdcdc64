"""A turned face's points move with its pixels, and a dropped jaw leaves the rest alone."""

import numpy as np
import pytest

from training.teacher.mesh import SKIN
from training.turn.__main__ import draw_poses
from training.turn.mouth import CHIN, CORNERS, LOWER, UPPER, drop_jaw
from training.turn.pose import OVAL, TRIANGLES, Pose, turn_face

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
SPOTS = [int(v) for v in np.argsort(np.hypot(*(HEAD[:SKIN, :2] - MIDDLE).T))[:60:6]]


def test_the_topology_is_whole() -> None:
    assert set(TRIANGLES.ravel()) == set(range(SKIN))
    assert len(np.unique(TRIANGLES, axis=0)) == len(TRIANGLES)
    assert len(set(OVAL)) == 36 and CHIN in OVAL


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


def test_yaw_moves_what_is_near_further() -> None:
    near = int(HEAD[:SKIN, 2].argmin())
    picture = np.zeros((256, 256, 3), np.uint8)
    for yaw in (0.4, -0.4):
        _, moved = turn_face(picture, HEAD, HEAD[[near, OVAL[0]], :2], Pose(yaw=yaw))
        away = moved[:, 0] - HEAD[[near, OVAL[0]], 0]
        assert np.sign(away[0] - away[1]) == np.sign(yaw)


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


def test_poses_by_what_a_face_shows() -> None:
    rng = np.random.default_rng(0)
    frontal = [pose for _ in range(200) for pose in draw_poses(0.0, True, rng)]
    assert len(frontal) == 600
    wide = np.degrees([abs(p.yaw) for p in frontal])
    assert 40 < wide.max() < 42.1 and np.degrees(max(abs(p.pitch) for p in frontal)) < 22.1
    assert 0.4 < np.mean([p.jaw > 0 for p in frontal]) < 0.75
    turned = [pose for _ in range(200) for pose in draw_poses(0.3, False, rng)]
    assert len(turned) == 200 and not any(pose.jaw for pose in turned)
    assert np.degrees(max(abs(p.yaw) for p in turned)) < 20
