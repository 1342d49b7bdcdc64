"""Aligned crops, head poses and plain numbers: where they lie, their signs, what is refused."""

from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from numpy.typing import ArrayLike

from predictor.landmarks import DEFAULT
from serving.errors import InvalidRequest, TooLarge
from serving.faces import Square
from serving.messages import Call
from tests.transformer.conftest import make_request
from transformer.faces import DetectedFaces
from transformer.outputs.aligned import cut_aligned, fit_similarities, read_template
from transformer.outputs.five import find_five, weigh_five
from transformer.outputs.pose import HEAD, choose_points, estimate_poses
from transformer.outputs.quality import measure_brightness, measure_inside, measure_sharpness
from transformer.pictures.picture import Picture

ARCFACE = read_template({})
OWN = "10,10,30,10,20,20,12,30,28,30"


def test_named_templates_and_the_callers_own():
    assert ARCFACE.side == 112 and ARCFACE.points[0] == pytest.approx([38.2946, 51.6963])
    double = read_template({"template": "arcface112", "aligned_side": "224"})
    assert double.side == 224
    assert double.points + 0.5 == pytest.approx(2 * (ARCFACE.points + 0.5))
    own = read_template({"template": OWN, "aligned_side": 40})
    assert own.side == 40 and own.points.tolist()[2] == [20, 20]
    listed = read_template({"template": [float(v) for v in OWN.split(",")], "aligned_side": 40})
    assert (listed.points == own.points).all()
    for name in ("arcface112", "ffhq256"):  # the subject's right eye stands left, the mouth below
        right, left, nose, mouth_right, mouth_left = read_template({"template": name}).points
        assert right[0] < nose[0] < left[0] and mouth_right[0] < mouth_left[0]
        assert right[1] < nose[1] < mouth_left[1]


@pytest.mark.parametrize(
    "said, answer",
    [
        ({"template": "arcface"}, "arcface112, ffhq256, or x,y of five points"),
        ({"template": OWN + ",1", "aligned_side": 40}, "ten numbers"),
        ({"template": OWN.replace("20", "nan"), "aligned_side": 40}, "ten numbers"),
        ({"template": 112}, "ten numbers"),
        ({"template": [[1, 2]] * 10}, "ten numbers"),
        ({"template": ",".join(["5"] * 10), "aligned_side": 40}, "all in one place"),
        ({"template": OWN}, "'aligned_side', too"),
        ({"template": "0" * 1000 + OWN, "aligned_side": 40}, "ten numbers"),
        ({"aligned_side": 8}, "from 16 to 1024"),
        ({"aligned_side": 1025}, "from 16 to 1024"),
        ({"aligned_side": 100.5}, "from 16 to 1024"),
        ({"aligned_side": "large"}, "from 16 to 1024"),
    ],
)
def test_what_is_not_a_template_is_refused_with_what_is(said, answer):
    with pytest.raises(InvalidRequest, match=answer):
        read_template(said)


def test_the_fit_is_the_least_squares_one_and_never_mirrors():
    rng = np.random.default_rng(0)
    points = rng.normal(0, 30, (4, 5, 2)).astype(np.float32)
    points[0] = ARCFACE.points * [-1, 1]
    for face, to_crop in zip(points, fit_similarities(points, ARCFACE.points), strict=True):
        assert np.linalg.det(to_crop[:, :2]) > 0
        unknown = [rows for x, y in face for rows in ([x, -y, 1, 0], [y, x, 0, 1])]
        a, b, tx, ty = np.linalg.lstsq(np.array(unknown), ARCFACE.points.ravel(), rcond=None)[0]
        assert to_crop == pytest.approx(np.array([[a, -b, tx], [b, a, ty]]), abs=1e-3)


@pytest.mark.parametrize("shrink", [0.5, 1, 3.7, 9])
@pytest.mark.parametrize("scale", [1, 4])
def test_pixels_lie_where_the_affine_says(shrink, scale):
    """A smooth picture, whose colours are its coordinates, tells each pixel's place."""
    high, wide, side = 400, 600, 32
    y, x = np.mgrid[:high:scale, :wide:scale] + (scale - 1) / 2
    pixels = np.stack([x / 3, y / 3, 0 * x + 50], axis=2).round().astype(np.uint8)
    picture = Picture(wide, high, pixels, scale)
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / shrink
    middle = np.array([side / 2, side / 2]) - turn @ [300, 200]
    to_crop = np.column_stack([turn, middle]).astype(np.float32)
    (crop,) = cut_aligned(picture, to_crop[None], side)
    where = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=2) - middle
    seen = where @ np.linalg.inv(turn).T
    assert np.abs(crop[:, :, :2] - seen / 3).max() < 1.5


def test_beyond_the_picture_it_is_black_and_a_face_of_no_size_is_too():
    picture = Picture.of_pixels(np.full((50, 50, 3), 200, np.uint8))
    away = np.array([[1, 0, -25], [0, 1, -25]], np.float32)
    none = fit_similarities(np.zeros((1, 5, 2), np.float32), ARCFACE.points)[0]
    crops = cut_aligned(picture, np.stack([away, none, away - [0, 0, 500]]), 50)
    assert crops[0, :24, :24].min() == 200 and not crops[0, 26:].any()
    assert not crops[1:].any()


def test_five_points_come_by_name_by_corners_or_as_declared():
    points = np.random.default_rng(0).normal(size=(2, 15, 2)).astype(np.float32)
    assert (find_five(DEFAULT, points)[:, 1] == points[:, 0]).all()
    names = DEFAULT.points
    without = DEFAULT.model_copy(update={"points": ("a", "b", *names[2:])})
    assert find_five(without, points)[:, 0] == pytest.approx(points[:, 4:6].mean(1), abs=1e-6)
    with pytest.raises(InvalidRequest, match=r"no 'nose_tip'.*'five'"):
        weigh_five(DEFAULT.model_copy(update={"points": (*names[:10], "nose", *names[11:])}))
    five = (("nose_tip",), ("a",), ("b", "a"), ("nose_tip",), ("nose_tip",))
    declared = without.model_copy(update={"five": five})
    assert find_five(declared, points)[:, 2] == pytest.approx(points[:, :2].mean(1), abs=1e-6)


async def test_it_is_refused_before_pictures_are_read_and_its_bytes_are_claimed(model):
    request = make_request(3)
    request.outputs = ("aligned",)
    request.parameters = {"template": "none"}
    with pytest.raises(InvalidRequest, match="arcface112"):
        await model.infer(request)
    request.parameters = {"aligned_side": 1024}
    claim = Mock(side_effect=TooLarge("It is too much."))
    with pytest.raises(TooLarge):
        await model.infer(request, Call(claim=claim))
    claim.assert_called_once_with(3 * 3 * 1024**2)
    model.backend.landmarks = DEFAULT.model_copy(
        update={"points": tuple(f"p{i}" for i in range(15)), "mirror": (), "unit": None}
    )
    model.backend.networks.clear()
    with pytest.raises(InvalidRequest, match="right_eye_center"):
        await model.infer(request)


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


def test_heads_of_known_pose_are_within_four_degrees_and_of_five_points_on_the_mean():
    errors = measure_errors(DEFAULT, DEFAULT.points)
    assert errors.mean() < 3 and errors.max() < 4
    assert measure_errors(OTHER, (*OTHERS_HEAD, "mouth_right_corner")).mean() < 4
    with pytest.raises(InvalidRequest, match=r"no 'right_eye_center'.*'five'"):
        choose_points(OTHER.model_copy(update={"five": None}))  # which tells nothing


def test_points_in_one_place_have_no_pose_and_no_face_has_none():
    assert estimate_poses(DEFAULT, np.full((2, 15, 2), 7, np.float32)).tolist() == [[0] * 3] * 2
    assert estimate_poses(DEFAULT, np.empty((0, 15, 2), np.float32)).shape == (0, 3)
    far = np.random.default_rng(0).normal(0, 1e6, (20, 15, 2)).astype(np.float32)
    assert np.isfinite(estimate_poses(DEFAULT, far)).all()


RGB = DEFAULT.model_copy(update={"color": "rgb", "side": 256, "crop_scale": 1.5})


def make_faces(*crops: ArrayLike, squares=(), size=(0, 0)) -> list[DetectedFaces]:
    none = np.zeros((0, 4), np.float32)
    faces = np.array(crops, np.uint8)
    turns = np.zeros(0, np.int16)
    return [DetectedFaces(none, none[:, 0], turns, list(squares), faces, size=size)]


@pytest.fixture(scope="module")
def face(astronaut) -> np.ndarray:
    grey = np.asarray(cv2.imdecode(np.frombuffer(astronaut, np.uint8), cv2.IMREAD_GRAYSCALE))
    return cv2.resize(grey[60:180, 165:285], (96, 96), interpolation=cv2.INTER_AREA)


def test_sharpness_falls_with_blur_and_not_with_light(face):
    blurred = [cv2.GaussianBlur(face, (0, 0), sigma) for sigma in (1, 2, 4)]
    dark = face * 0.4
    values = measure_sharpness(make_faces(*([each] for each in (face, *blurred, dark))), DEFAULT)
    assert list(values[:4]) == sorted(values[:4], reverse=True) and values[0] > 2 * values[2]
    assert values[4] == pytest.approx(values[0], rel=0.1)
    flat = np.full((1, 96, 96), 128)
    assert measure_sharpness(make_faces(flat), DEFAULT).tolist() == [0]


def test_brightness_is_of_the_face_and_any_colours(face):
    bright = np.zeros((3, 256, 256))
    bright[:, 43:213, 43:213] = 255  # the box; about it, it is black
    assert measure_brightness(make_faces(bright), RGB) == pytest.approx([1], abs=0.01)
    values = measure_brightness(make_faces([face], [face * 0.5]), DEFAULT)
    assert values[1] == pytest.approx(values[0] / 2, rel=0.02)


def test_the_share_inside_is_of_the_faces_square():
    squares = [Square(0, 0, 113), Square(-56, 0, 113), Square(-56, 143, 113), Square(900, 0, 99)]
    shares = measure_inside(make_faces(squares=squares, size=(400, 200)), DEFAULT)
    assert shares == pytest.approx([1, 0.5, 0.25, 0], abs=0.02)
