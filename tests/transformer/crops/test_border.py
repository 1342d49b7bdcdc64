"""A face that the border cuts is cropped about the whole face; what is answered is clipped."""

import tracemalloc
from unittest.mock import Mock

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from predictor.landmarks import DEFAULT
from serving.faces import Square, place_square
from tests.support.picture_files import encode, smooth
from transformer.crops.crop import crop_face
from transformer.crops.looks import Look, stack_crops
from transformer.detectors.base import Detector, Floats
from transformer.faces import FaceFinder
from transformer.inputs.choices import Choices
from transformer.pictures.picture import Pixels, open_picture
from transformer.settings import TransformerSettings


class Told(Detector):
    """Finds the boxes that it was told of."""

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


def test_turned_crops_go_to_an_engine_in_one_piece():
    crops = [np.rot90(np.zeros((1, 96, 96), np.uint8), turn, (1, 2)) for turn in (1, 1)]
    assert stack_crops([Look.first(crop, 1) for crop in crops]).flags.c_contiguous


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
