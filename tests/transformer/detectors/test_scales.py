"""A picture's scales and tiles cover it within the budget; boxes of all looks become one a face."""

from itertools import pairwise

import numpy as np
import pytest

from transformer.detectors.boxes import Boxes, join_boxes, stack_boxes, turn_boxes_back
from transformer.detectors.scales import FIRST, LEVELS, SHARED, TILE, list_scales, place_tiles
from transformer.detectors.views import view_picture
from transformer.pictures.picture import Picture

SIZES = [(480, 640), (640, 640), (1023, 1021), (1999, 31), (3, 2000), (3000, 4000), (375, 4000)]


@pytest.mark.parametrize("height, width", SIZES)
@pytest.mark.parametrize("pixels", [25_600, FIRST])
def test_a_smaller_view_shows_the_same_places(height, width, pixels):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    ramp = np.stack([255 * x / width, 255 * y / height, 0 * x], axis=2).astype(np.uint8)
    view = view_picture(Picture.of_pixels(ramp), pixels).shrink(pixels)
    small = view.pixels
    assert small.shape[0] * small.shape[1] <= 1.1 * pixels and small.dtype == np.uint8
    y, x = np.mgrid[: small.shape[0], : small.shape[1]]
    there = view.map_to_picture(np.stack([x + 0.5, y + 0.5] * 2, axis=2).reshape(-1, 4))
    for axis, side in enumerate((width, height)):
        wanted = (255 * (there[:, axis] - 0.5) / side).clip(0, 254.9)
        apart = np.abs(small[..., axis].ravel() - wanted)
        assert apart.max() < 2 + 255 / min(height, width)


@pytest.mark.parametrize("height, width", SIZES)
def test_tiles_cover_a_scale_and_share_what_a_face_needs(height, width):
    tiles = np.array(place_tiles(width, height))
    sides = tiles[:, 2:] - tiles[:, :2]
    assert (sides == sides[0]).all() and sides.max() <= TILE
    assert (tiles.min(axis=0)[:2] == 0).all() and tuple(tiles.max(axis=0)[2:]) == (width, height)
    for axis in (0, 1):
        spans = sorted({(tile[axis], tile[axis + 2]) for tile in tiles})
        assert all(end - start >= SHARED for (_, end), (start, _) in pairwise(spans))
    assert sides.prod(axis=1).sum() <= 1.6 * width * height or width * height < FIRST


def test_a_tile_shows_its_part_of_the_picture():
    y, x = np.mgrid[:300, :400]
    whole = Picture.of_pixels(np.stack([x % 256, y % 256, x // 256], 2).astype(np.uint8))
    view = view_picture(whole, 1).cut((101, 53, 165, 117), (200, 150))
    assert view.pixels.shape[:2] == (64, 64)
    assert abs(view.left - 202) < 2 and abs(view.top - 106) < 2 and abs(view.width - 128) < 2
    assert view.pixels[0, 0, 0] == pytest.approx(view.left, abs=2)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("budget", [FIRST, 2_000_000, 10_000_000])
def test_no_picture_costs_more_than_the_budget(level, budget):
    for pixels in (1, 10_000, FIRST, 600_000, 12_000_000, 100_000_000):
        scales = list_scales(LEVELS[level], pixels, budget)
        assert sum(scales) <= budget and scales == sorted(scales)
        assert scales[-1] <= pixels
        assert len(scales) == 1 or pixels >= 1.5 * LEVELS[level].first
    assert list_scales(LEVELS["default"], 640 * 480, budget) == [640 * 480]
    assert sum(list_scales(LEVELS["thorough"], 10**8, budget)) > 0.3 * budget


def make_boxes(*rows: tuple[float, ...], turn: int = 0, look: int = 0) -> Boxes:
    array = np.array(rows, np.float32).reshape(-1, 5)
    labels = np.full((2, len(array)), [[turn], [look]], np.int16)
    return Boxes(array[:, :4], array[:, 4], *labels)


@pytest.mark.parametrize(
    "others, kept",
    [
        (make_boxes((2, 2, 101, 101, 0.8), look=1), [0.7, 0.8]),  # the same face, seen better
        (make_boxes((2, 2, 101, 101, 0.6), look=1), [0.7, 0.7]),  # or worse
        (make_boxes((30, 30, 60, 60, 0.6), look=1), [0.7, 0.7]),  # a part of it
        (make_boxes((30, 30, 60, 60, 0.6)), [0.6, 0.7, 0.7]),  # seen beside it by one look
        (make_boxes((95, 95, 130, 130, 0.6), look=1), [0.6, 0.7, 0.7]),  # a neighbour
        (make_boxes((2, 2, 101, 101, 0.74), turn=1, look=1), [0.7, 0.7]),  # hardly better turned
        (make_boxes((2, 2, 101, 101, 0.76), turn=1, look=1), [0.7, 0.76]),
    ],
)
def test_of_each_face_one_box_stays(others, kept):
    upright = make_boxes((0, 0, 100, 100, 0.7), (300, 0, 320, 20, 0.7))
    joined = join_boxes(stack_boxes([upright, others]))
    assert sorted(joined.scores.round(2).tolist()) == pytest.approx(kept)
    assert list(joined.scores) == sorted(joined.scores, reverse=True)


def test_turned_boxes_come_back():
    box = np.array([[0.0, 0, 10, 20]], np.float32)
    assert turn_boxes_back(box, 1, 160, 200).tolist() == [[140, 0, 160, 10]]
    for turn in range(4):
        mark = np.zeros((200, 160), bool)
        mark[30:50, 5:40] = True
        y, x = np.nonzero(np.rot90(mark, turn))
        there = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], np.float32)
        assert turn_boxes_back(there, turn, 160, 200).tolist() == [[5, 30, 40, 50]]
