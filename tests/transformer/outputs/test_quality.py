"""Plain numbers: they follow what they are named by, whatever the picture's size."""

import cv2
import numpy as np
import pytest
from numpy.typing import ArrayLike

from predictor.landmarks import DEFAULT
from serving.faces import Square
from tests.transformer.fakes import make_request
from transformer.faces import DetectedFaces
from transformer.outputs.quality import measure_brightness, measure_inside, measure_sharpness

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


async def test_it_is_measured_where_it_is_asked_for_alone(model):
    request = make_request(2, 1)
    request.outputs = ("pose", "sharpness", "brightness", "eye_distance", "inside")
    outputs = (await model.infer(request)).outputs
    assert [array.shape for array in outputs.values()] == [(3, 3)] + [(3,)] * 4
    assert not set(request.outputs) & set((await model.infer(make_request(1))).outputs)
