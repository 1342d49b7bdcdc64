"""Head pose from points: signs, error on heads of known pose, and sets of other points."""

import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from serving.errors import InvalidRequest
from transformer.outputs.pose import HEAD, choose_points, estimate_poses, read_angles

VARIED = 0.04  # by which people's points lie off the mean head's, in distances between the eyes
NOISE = 0.02  # and the network's off people's
FIVE = tuple((name,) for name in ("d", "c", "a", "e", "b"))  # right eye, left, nose, mouth
OTHER = DEFAULT.model_copy(
    update={"points": tuple("abcde"), "mirror": (), "unit": None, "five": FIVE}
)
OTHERS_HEAD = ("nose_tip", "mouth_left_corner", "left_eye_center", "right_eye_center")


def turn_head(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Make the rotation `[3,3]` of a pose in degrees: nodded first, then turned, then leaned."""
    y, p, r = np.radians([yaw, pitch, roll])
    nodded = [[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]]
    turned = [[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]]
    leaned = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    return np.array(leaned) @ turned @ nodded


def see(pose, names, rng, distance: float) -> np.ndarray:
    """See one person's head from so many distances between the eyes, in a picture: `[K,2]`."""
    head = np.array([HEAD[name] for name in names])
    person = head + rng.normal(0, VARIED, head.shape)
    turned = person @ turn_head(*pose).T
    flat = turned[:, :2] / (1 + turned[:, 2:] / distance) + rng.normal(0, NOISE, (len(head), 2))
    return 60 * flat + [300, 200]


def measure_errors(landmarks, names) -> np.ndarray:
    rng = np.random.default_rng(0)
    poses = rng.uniform([-45, -30, -45], [45, 30, 45], (300, 3))
    points = [see(pose, names, rng, rng.uniform(6, 20)) for pose in poses]
    found = estimate_poses(landmarks, np.array(points, np.float32))
    errors = np.abs(found - poses).mean(axis=0)
    print(f"\nyaw, pitch, roll: {errors.round(1)} degrees, mean {errors.mean():.2f}")
    return errors


def test_the_signs():
    """Yaw to the picture's right, pitch up and roll clockwise are positive."""
    ahead = np.array([0, 0, -1])
    assert (turn_head(30, 0, 0) @ ahead)[0] > 0.4
    assert (turn_head(0, 30, 0) @ ahead)[1] < -0.4  # y is down
    assert (turn_head(0, 0, 30) @ [1, 0, 0])[1] > 0.4
    assert read_angles(turn_head(20, -10, 35)) == pytest.approx([20, -10, 35])


def test_heads_of_known_pose_are_within_four_degrees():
    errors = measure_errors(DEFAULT, DEFAULT.points)
    assert errors.mean() < 3 and errors.max() < 4


def test_declared_five_points_do_within_four_degrees_on_the_mean():
    errors = measure_errors(OTHER, (*OTHERS_HEAD, "mouth_right_corner"))
    assert errors.mean() < 4


def test_a_set_that_tells_nothing_is_refused():
    with pytest.raises(InvalidRequest, match=r"no 'right_eye_center'.*'five'"):
        choose_points(OTHER.model_copy(update={"five": None}))


def test_points_in_one_place_have_no_pose_and_no_face_has_none():
    assert estimate_poses(DEFAULT, np.full((2, 15, 2), 7, np.float32)).tolist() == [[0] * 3] * 2
    assert estimate_poses(DEFAULT, np.empty((0, 15, 2), np.float32)).shape == (0, 3)
    far = np.random.default_rng(0).normal(0, 1e6, (20, 15, 2)).astype(np.float32)
    assert np.isfinite(estimate_poses(DEFAULT, far)).all()
