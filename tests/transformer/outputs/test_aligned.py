"""Aligned crops: the similarity onto a template, the pixels that it moves, and what is refused."""

import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from serving.errors import InvalidRequest, TooLarge
from serving.messages import Call
from tests.transformer.fakes import make_request
from transformer.outputs.aligned import Template, cut_aligned, fit_similarities, read_template
from transformer.outputs.five import find_five, weigh_five
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
        ({"aligned_side": 8}, "from 16 to 1024"),
        ({"aligned_side": 100.5}, "from 16 to 1024"),
        ({"aligned_side": "large"}, "from 16 to 1024"),
    ],
)
def test_what_is_not_a_template_is_refused_with_what_is(said, answer):
    with pytest.raises(InvalidRequest, match=answer):
        read_template(said)


def test_a_turned_and_scaled_face_comes_back_to_its_template():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]]) * 3
    points = (ARCFACE.points @ turn.T + [400, -20]).astype(np.float32)
    maps = fit_similarities(points[None], ARCFACE.points)
    moved = points @ maps[0, :, :2].T + maps[0, :, 2]
    assert moved == pytest.approx(ARCFACE.points, abs=1e-3)


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

    def claim(size: int) -> None:
        assert size == 3 * 3 * 1024**2
        raise TooLarge("It is too much.")

    with pytest.raises(TooLarge):
        await model.infer(request, Call(claim=claim))
    model.backend.landmarks = DEFAULT.model_copy(
        update={"points": tuple(f"p{i}" for i in range(15)), "mirror": (), "unit": None}
    )
    model.backend.networks.clear()
    with pytest.raises(InvalidRequest, match="right_eye_center"):
        await model.infer(request)


def test_a_template_has_the_form_that_its_networks_expect():
    """The right eye of the subject stands left, the mouth below."""
    for name in ("arcface112", "ffhq256"):
        template: Template = read_template({"template": name})
        right, left, nose, mouth_right, mouth_left = template.points / template.side
        assert right[0] < nose[0] < left[0] and mouth_right[0] < mouth_left[0]
        assert right[1] < nose[1] < mouth_left[1] < 1
