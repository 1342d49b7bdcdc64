"""A face is cropped about its whole box, and looked at once more where it is doubted or leans."""

import tracemalloc
from unittest.mock import Mock

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from predictor.landmarks import DEFAULT
from serving.faces import Square, place_square
from tests.support.picture_files import encode, smooth
from tests.transformer.conftest import FakeFinder, FakePredictor, make_model, make_request
from transformer.backends.base import FaceLandmarks
from transformer.crops.crop import crop_face, map_to_crop, to_picture
from transformer.crops.looks import Look, join_maps, measure_rolls, turn_back
from transformer.crops.second_look import MOST, find_least, look_again
from transformer.detectors.base import Detector, Floats
from transformer.faces import FaceFinder
from transformer.inputs.choices import Choices
from transformer.pictures.picture import Pixels, open_picture
from transformer.settings import TransformerSettings


class Told(Detector):
    name, min_score, doubt, sure = "told", 0.5, 0.2, 0.9

    def __init__(self, boxes: list[list[float]]):
        self.boxes = boxes

    def search(self, rgb: Pixels, min_score: float) -> tuple[Floats, Floats]:
        return np.array(self.boxes, np.float32).reshape(-1, 4), np.ones(len(self.boxes), np.float32)


def detect_faces(content: bytes, boxes: list[list[float]]):
    finder = FaceFinder.__new__(FaceFinder)
    finder.settings = TransformerSettings()
    finder.local = type("Local", (), {"detector": Told(boxes)})()
    return finder.detect_faces(content, DEFAULT, Choices())


@pytest.mark.parametrize("kind, scale", [("PNG", 1), ("JPEG", 1), ("JPEG", 2)])
def test_the_crop_is_placed_about_the_detected_box(kind, scale):
    """JPEG at half its size has as many pixels of it as a crop."""
    width, height = 640 * scale, 480 * scale
    content = encode(smooth(width, height), kind)
    box = [-60.0, 100.0, 140.0, 300.0]  # of 200 pixels at the detector's scale; 60 are cut off
    faces = detect_faces(content, [box])
    square = place_square(np.array(box, np.float32), DEFAULT)
    assert faces.squares == [Square(*(scale * v for v in (square.left, square.top, square.side)))]
    np.testing.assert_array_equal(faces.boxes, [[0, 100 * scale, 140 * scale, 300 * scale]])


def make_blocks(width: int, height: int) -> np.ndarray:
    """Blocks of 20 pixels in random grey, whose edges show where a crop lies."""
    seeds = np.random.default_rng(5).integers(0, 256, (height // 20 + 1, width // 20 + 1))
    return np.kron(seeds, np.ones((20, 20)))[:height, :width].astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("side, decodings", [(160, 1), (70, 2), (30, 2)])
def test_crops_are_of_their_squares_at_any_scale(orientation, side, decodings, monkeypatch):
    """Of 2603x2005 pixels a quarter is decoded, and more only where a face has too few of it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode(make_blocks(2603, 2005), quality=95, exif=exif)
    boxes = [[100.0, 50.0, 100.0 + side, 50.0 + side], [200.0, 210.0, 420.0, 430.0]]
    decode = Mock(wraps=simplejpeg.decode_jpeg)
    monkeypatch.setattr(simplejpeg, "decode_jpeg", decode)
    faces = detect_faces(content, boxes)
    assert decode.call_count == decodings
    pixels = open_picture(content, 10**7, 10**4).small
    for crop, square in zip(faces.crops, faces.squares, strict=True):
        wanted = crop_face(pixels, square, DEFAULT).astype(int)
        assert np.abs(crop[0] - wanted).mean() < 4.5, square


def test_boxes_are_answered_within_the_picture_and_no_size_is_believed():
    wild = [[-1e30, -1e30, 1e30, 1e30], [-np.inf, 5, np.inf, 9], [600, 400, 9e9, 9e9]]
    faces = detect_faces(encode(smooth(640, 480)), wild)
    assert (faces.boxes >= 0).all() and (faces.boxes <= [640, 480, 640, 480]).all()
    assert all(square.side <= 2 * 1.13 * 640 for square in faces.squares)
    assert faces.crops.shape == (3, 1, 96, 96)


def test_a_large_square_beyond_the_borders_takes_little_memory():
    small = smooth(500, 400, "L")
    pixels = np.repeat(np.repeat(small, 12, axis=0), 12, axis=1)  # 6000x4800
    square = Square(-3000, -2400, 9600)
    tracemalloc.start()
    crop = crop_face(pixels, square, DEFAULT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    wanted = crop_face(small, Square(-250, -200, 800), DEFAULT)
    assert np.abs(crop.astype(int) - wanted).mean() < 1.5
    assert peak < 2 * pixels.nbytes


def test_a_slightly_larger_face_keeps_its_detail():
    """By area averages or lines between pixels it would be 6 grey levels off."""

    def wave(x: np.ndarray) -> np.ndarray:
        return 128 + 100 * np.sin(x * np.pi / 3)

    pixels = np.broadcast_to(wave(np.arange(106)), (106, 106)).round().astype(np.uint8)
    wanted = wave((np.arange(96) + 0.5) * 106 / 96 - 0.5)
    crop = crop_face(pixels, Square(0, 0, 106), DEFAULT)
    assert np.abs(crop[0, 48] - wanted)[4:-4].mean() < 3


def test_points_boxes_and_maps_follow_the_turn() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (200, 160), np.uint8)
    square = Square(20, 30, 96)  # pixel by pixel
    crop = crop_face(picture, square, DEFAULT)
    for turn in range(4):
        turned = Look.first(np.rot90(crop, turn, (1, 2)), turn)
        for look in (turned, Look.first(crop, 0).turn_quarters(turn)):
            points = np.array([[10, 20], [95, 0], [40, 80]], np.float32)
            (back,) = to_picture(turn_back(points[None], look.turn[None]), [square], 96)
            for (x, y), (u, v) in zip(points.astype(int), back.round().astype(int), strict=True):
                assert look.crop[0, y, x] == picture[v, u]
            mapped = join_maps(look.turn, map_to_crop(square, 96))
            there = np.column_stack([back, np.ones(3)]) @ mapped.T
            np.testing.assert_allclose(there, points, atol=1e-4)


@pytest.mark.parametrize("degrees", [-70.0, -25.0, 30.0, 45.0])
def test_a_crop_is_rotated_by_what_its_points_lean(degrees: float) -> None:
    eyes = np.full((15, 2), 47.5, np.float32)
    slope = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)
    for left, right in DEFAULT.mirror:  # all pairs on one slanting line
        eyes[DEFAULT.points.index(left)] += 20 * slope
        eyes[DEFAULT.points.index(right)] -= 20 * slope
    assert measure_rolls(eyes[None], DEFAULT) == pytest.approx([degrees], abs=1e-3)
    assert measure_rolls(eyes[None], DEFAULT.model_copy(update={"mirror": ()})).tolist() == [0]
    crop = np.zeros((1, 96, 96), np.uint8)
    x, y = np.rint(47.5 + 30 * slope).astype(int)
    crop[0, y - 1 : y + 2, x - 1 : x + 2] = 255  # a mark on the line
    look = Look.first(crop, 0).rotate(degrees)
    at = np.argwhere(look.crop[0] > 128).mean(0)[::-1]  # x, y
    np.testing.assert_allclose(at, [77.5, 47.5], atol=1)
    back = turn_back(at[None, None].astype(np.float32), look.turn[None])
    np.testing.assert_allclose(back[0, 0], [x, y], atol=1)


def test_looks_again_are_bounded() -> None:
    scores = np.full(3 * MOST, DEFAULT.doubt - 0.1, np.float32)
    scores[::2], scores[5] = 0.9, 0.1
    assert len(find_least(scores, DEFAULT.doubt)) == MOST and 5 in find_least(scores, DEFAULT.doubt)
    assert find_least(np.full(4, 0.9, np.float32), DEFAULT.doubt).tolist() == []


class LowerHalf(FakePredictor):
    """Stands in for the predictor: sure of faces whose lower half is bright."""

    max_faces = 9

    async def infer(self, faces, model, call, heatmaps) -> FaceLandmarks:
        sure = faces[:, 0, 48:].mean((1, 2)) > 200
        scores = np.where(sure, 0.95, 0.4)[:, None] * np.ones((1, 15))
        points = np.tile(np.array((10, 90), np.float32), (len(faces), 15, 1))
        points.flags.writeable = False  # as what comes over the wire
        shown = np.broadcast_to(faces, (len(faces), 15, 96, 96)).astype(np.float32)
        return FaceLandmarks(points, scores.astype(np.float32), {}, DEFAULT.digest, shown)


@pytest.mark.parametrize("turned", [True, False])
async def test_a_face_upside_down_among_upright_ones(turned: bool) -> None:
    crops = np.zeros((2, 1, 96, 96), np.uint8)
    crops[0, 0, 48:], crops[1, 0, :48] = 255, 255

    class Finder(FakeFinder):
        def detect_faces(self, content, landmarks, choices):
            found = super().detect_faces(content, landmarks, choices)
            found.crops = crops
            return found

    model = make_model(any_way_up=turned)
    model.finder, model.backend = Finder(), LowerHalf()  # type: ignore[assignment]
    request = make_request(2)
    request.outputs = ("landmarks", "crops", "heatmaps")
    outputs = (await model.infer(request)).outputs
    assert outputs["landmarks"][0, 0].tolist() == [10, 90]
    assert outputs["landmarks"][1, 0].tolist() == ([85, 5] if turned else [10, 90])
    assert outputs["crops"][1].tolist() == (
        [[-1, 0, 95], [0, -1, 95]] if turned else [[1, 0, 0], [0, 1, 0]]
    )
    # The heatmaps are those of the crop as `crops` has it, which was looked at last.
    assert (outputs["heatmaps"][1, 0, 48:].mean() == 255) == turned


async def test_leaning_faces_are_shown_level_where_their_points_say_something() -> None:
    points = np.full((4, 15, 2), 47.5, np.float32)
    for left, right in DEFAULT.mirror:
        points[:, DEFAULT.points.index(left)] += (20, 15)
        points[:, DEFAULT.points.index(right)] -= (20, 15)
    points[3] = points[3, :, ::-1] * (1, 0) + (0, 40)  # this one's eyes are level
    scores = np.full((4, 15), 0.9, np.float32)
    scores[1] = 0.8 * DEFAULT.doubt - 0.01
    located = FaceLandmarks(points.copy(), scores.copy(), {}, DEFAULT.digest)
    looks = [Look.first(np.zeros((1, 96, 96), np.uint8), 0) for _ in range(4)]
    shown = []

    async def predict(crops: np.ndarray) -> FaceLandmarks:
        if len(crops) % 3 == 0:  # the doubtful one's turned looks
            return FaceLandmarks(np.zeros((3, 15, 2), np.float32), np.zeros((3, 15), np.float32))
        shown.append(len(crops))
        sure = np.array([[0.86], [0.84]], np.float32) * np.ones((1, 15), np.float32)
        return FaceLandmarks(np.ones((2, 15, 2), np.float32), sure)

    await look_again(looks, located, DEFAULT, predict)
    assert shown == [2]  # the first and the third
    assert located.landmarks[0].tolist() == [[1, 1]] * 15  # hardly less sure
    assert looks[0].turn[0, 1] == pytest.approx(0.6)  # 15 over the line's 25: sine of the lean
    np.testing.assert_array_equal(located.landmarks[1:], points[1:])
