"""Faces of any size: resized as the transformer does, points back in the caller's pixels."""

import cv2
import numpy as np
import pytest

from predictor import model, resize
from serving.errors import InvalidTensor, TooLarge
from serving.faces import check_faces
from serving.messages import Tensor

RNG = np.random.default_rng(1)
SIDE = 96  # of the network's face, in these tests


def resize_faces(faces: np.ndarray) -> np.ndarray:
    return resize.resize_faces(faces, (SIDE, SIDE))


def prepare_faces(given: np.ndarray) -> np.ndarray:
    return model.prepare_faces(given, (SIDE, SIDE), 1)


def scale_points(points: np.ndarray, height: int, width: int) -> np.ndarray:
    return resize.scale_points(points, (SIDE, SIDE), height, width)


def make_tensor(*shape: int, dtype: str = "UINT8") -> Tensor:
    kinds = {"UINT8": np.uint8, "FP32": np.float32, "FP16": np.float16, "INT64": np.int64}
    return Tensor("face", dtype, RNG.integers(0, 2, shape).astype(kinds[dtype]))


def smooth(height: int, width: int) -> np.ndarray:
    picture = RNG.integers(0, 256, (8, 8)).astype(np.uint8)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("height, width", [(200, 200), (1024, 640), (97, 96), (300, 111)])
def test_shrinking_is_opencvs_area_average(height, width):
    face = smooth(height, width)
    ours = resize_faces(face[None, :, :, None])[0, 0].astype(int)
    theirs = cv2.resize(face, (96, 96), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("height, width", [(16, 16), (48, 60), (95, 95)])
def test_enlarging_is_opencvs_linear(height, width):
    face = smooth(height, width)
    ours = resize_faces(face[None, :, :, None])[0, 0].astype(int)
    theirs = cv2.resize(face, (96, 96), interpolation=cv2.INTER_LINEAR).astype(int)
    assert np.abs(ours - theirs).max() <= 2  # OpenCV's weights have 11 bits


def test_colour_becomes_grey_as_opencv_makes_it():
    face = RNG.integers(0, 256, (96, 96, 3)).astype(np.uint8)
    ours = resize_faces(face[None])[0, 0].astype(int)
    assert np.abs(ours - cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)).max() <= 1


def test_fine_stripes_do_not_alias():
    stripes = np.tile(np.array([0, 255], np.uint8), 480)[None, None, :, None]
    small = resize_faces(np.repeat(stripes, 960, axis=1))
    assert small.min() >= 120 and small.max() <= 135


@pytest.mark.parametrize(
    "shape", [(2, 1, 40, 50), (2, 3, 40, 50), (2, 40, 50, 1), (2, 40, 50, 3), (2, 1, 96, 96)]
)
@pytest.mark.parametrize("dtype", ["UINT8", "FP32", "FP16"])
def test_every_layout_and_datatype_becomes_what_engines_take(shape, dtype):
    faces = prepare_faces(check_faces(make_tensor(*shape, dtype=dtype), 8))
    assert faces.shape == (2, 1, 96, 96)
    assert faces.dtype == (np.uint8 if dtype == "UINT8" else np.float32)
    assert faces.max() <= 1


def test_the_networks_own_size_is_passed_on_without_a_copy():
    tensor = make_tensor(4, 1, 96, 96)
    assert np.shares_memory(prepare_faces(check_faces(tensor, 8)), tensor.array)


def test_both_layouts_are_the_same_face():
    first = RNG.integers(0, 256, (1, 3, 60, 80)).astype(np.uint8)
    last = first.transpose(0, 2, 3, 1)
    a, b = (prepare_faces(check_faces(Tensor("face", "UINT8", x), 8)) for x in (first, last))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "shape, kind",
    [
        ((1, 1, 15, 96), InvalidTensor),
        ((1, 2, 96, 96), InvalidTensor),
        ((1, 3, 96, 3), InvalidTensor),
        ((96, 96), InvalidTensor),
        ((0, 1, 96, 96), InvalidTensor),
        ((1, 1, 1025, 96), TooLarge),
        ((9, 1, 96, 96), TooLarge),
    ],
)
def test_other_shapes_are_refused(shape, kind):
    with pytest.raises(kind):
        check_faces(make_tensor(*shape), 8)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5])
def test_floats_outside_their_range_are_refused(value):
    with pytest.raises(InvalidTensor):
        prepare_faces(np.full((1, 50, 50, 1), value, np.float16))


def test_weights_of_a_few_sizes_are_kept():
    for length in range(100, 300):
        resize.weigh_pixels(length, SIDE)
    assert resize.weigh_pixels.cache_info().currsize <= 64


def test_points_come_back_where_they_were():
    """A bright pixel of the caller's picture is found where it is, to half a pixel of the face."""
    for height, width, y, x in [(192, 480, 50, 300), (40, 32, 20, 9), (1000, 900, 333, 777)]:
        picture = np.zeros((1, height, width, 1), np.float32)
        reach = 1 + max(height, width) // 96
        picture[0, y - reach : y + reach + 1, x - reach : x + reach + 1] = 1
        face = resize_faces(picture)[0, 0]
        grid = np.indices(face.shape)
        cy, cx = (face * grid).sum(axis=(1, 2)) / face.sum()
        back = scale_points(np.array([[[cx, cy]]], np.float32), height, width)[0, 0]
        assert abs(back[0] - x) <= width / 192 and abs(back[1] - y) <= height / 192
