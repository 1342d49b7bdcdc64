"""Scales, tiles and turns cover a picture within the budget; of all looks one box a face stays."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from transformer.detectors.base import Detector
from transformer.detectors.boxes import Boxes, join_boxes, stack_boxes
from transformer.detectors.scales import FIRST, LEVELS, SHARED, TILE, list_scales, place_tiles
from transformer.detectors.views import view_picture
from transformer.detectors.way_up import find_faces
from transformer.inputs.choices import Choices
from transformer.pictures.picture import Picture
from transformer.settings import TransformerSettings

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


class Blocks(Detector):
    """Stands in for a detector: faces are white blocks, which `score` tells by their place."""

    name, min_score, doubt, sure = "blocks", 0.57, 0.2, 0.9

    def __init__(self) -> None:
        self.seen: list[int] = []  # the pixels of each look

    def search(self, rgb, min_score):
        self.seen.append(rgb.shape[0] * rgb.shape[1])
        count, _, stats, _ = cv2.connectedComponentsWithStats((rgb[..., 0] > 110).astype(np.uint8))
        rows = stats[1:count].astype(np.float32)  # [F, 5]: x, y, w, h, area
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        scores = self.score(rows, boxes, len(rgb)).astype(np.float32)
        return boxes[scores >= min_score], scores[scores >= min_score]

    def score(self, rows, boxes, height: int) -> np.ndarray:
        raise NotImplementedError


class High(Blocks):
    """Scores by how high a block lies in a look; `elsewhere` where it is not upright."""

    def __init__(self, elsewhere: float):
        super().__init__()
        self.elsewhere = elsewhere

    def score(self, rows, boxes, height):
        scores = np.where(boxes[:, 3] < height / 3.5, 0.95, self.elsewhere)
        return np.where(rows[:, 4] >= 25, scores, 0.0)


class Fine(Blocks):
    """Scores by a block's size in the look: from 16 pixels on, and hints from 6 on."""

    def score(self, rows, boxes, height):
        sizes = np.sqrt(rows[:, 2] * rows[:, 3])
        return np.select([sizes > 15, sizes > 5], [0.95, 0.3], 0.0)


def make_picture(turn: int) -> np.ndarray:
    """Make a picture 480 wide and 600 high, a block in its upper left, turned clockwise."""
    picture = np.zeros((600, 480, 3), np.uint8)
    picture[30:160, 30:180] = 255
    return np.ascontiguousarray(np.rot90(picture, -turn))


def search(detector: Detector, picture: np.ndarray, detect: str = "default") -> Boxes:
    settings = TransformerSettings()
    return find_faces(detector, Picture.of_pixels(picture), Choices(detect), settings)


@pytest.mark.parametrize("elsewhere", [0.0, 0.7])
@pytest.mark.parametrize("turn", range(4))
def test_a_picture_on_its_side_is_found(turn: int, elsewhere: float) -> None:
    detector, picture = High(elsewhere), make_picture(turn)
    found = search(detector, picture)
    assert found.turns.tolist() == [turn] and found.scores[0] > 0.9
    y, x = np.nonzero(picture[..., 0])
    wanted = [x.min(), y.min(), x.max() + 1, y.max() + 1]
    np.testing.assert_allclose(found.corners[0], wanted, atol=4)
    assert len(detector.seen) == (4 if turn else 1)  # an upright one costs no look more


def test_turned_looks_that_show_nothing_better_change_nothing() -> None:
    picture = np.zeros((600, 480, 3), np.uint8)
    picture[250:350, 190:290] = 255  # 0.7 whichever way up
    found = search(High(0.7), picture)
    assert found.turns.tolist() == [0] and found.corners.round().tolist() == [[190, 250, 290, 350]]


def test_upright_faces_stay_beside_one_that_is_turned() -> None:
    """Each face has its own way up, though the turned one scores best."""
    picture = np.zeros((600, 600, 3), np.uint8)
    picture[430:590, 220:380] = 255  # sure when upside down
    for i in range(9):  # small, in the middle: 0.7 whichever way up
        y, x = 220 + i // 3 * 60, 220 + i % 3 * 60
        picture[y : y + 20, x : x + 20] = 255
    found = search(High(0.7), picture)
    assert found.turns.tolist() == [2] + [0] * 9


def test_a_face_that_is_sure_costs_one_look_and_a_thorough_request_sees_all() -> None:
    detector = High(0.0)
    search(detector, make_picture(0), "fast")
    assert len(detector.seen) == 1
    both = np.concatenate([make_picture(0), make_picture(2)], axis=1)[::2, ::2]
    both = np.ascontiguousarray(both)
    assert search(High(0.0), both).turns.tolist() == [0]  # nothing hints at the other one
    turns = search(High(0.0), both, "thorough").turns
    assert len(turns) == 2 and (turns == 0).sum() == 1


SMALL = [(90, "fast", 40), (60, "fast", 0), (60, "default", 40), (30, "default", 0)]
SMALL += [(40, "thorough", 40), (30, "thorough", 40), (20, "thorough", 0)]


@pytest.mark.parametrize("size, level, found", SMALL)
def test_small_faces_of_a_large_picture(size: int, level: str, found: int) -> None:
    picture = np.zeros((3000, 4000, 3), np.uint8)
    for i in range(40):
        x, y = 130 + i % 10 * 395, 100 + i // 10 * 710
        picture[y : y + size, x : x + size] = 255
    boxes = search(Fine(), picture, level)
    assert len(boxes) == found
    assert len({tuple(c) for c in boxes.corners.round(-2)}) == found


def test_only_the_tiles_with_hints_are_looked_at() -> None:
    picture = np.zeros((3000, 4000, 3), np.uint8)
    picture[1500:1560, 1000:1060] = 255
    detector = Fine()
    assert len(search(detector, picture)) == 1
    fine = [pixels for pixels in detector.seen[1:] if pixels > 340_000]
    assert 1 <= len(fine) <= 2
    detector = Fine()
    assert len(search(detector, np.zeros_like(picture))) == 0
    assert sum(detector.seen) < 1.5 * detector.seen[0] + 500_000  # of nothing, no tile


def test_a_huge_crowd_costs_no_more_than_the_budget() -> None:
    picture = np.zeros((4000, 4000, 3), np.uint8)
    picture[50::100, 50::100] = 255
    picture = np.asarray(cv2.dilate(picture, np.ones((40, 40), np.uint8)), np.uint8)
    detector = Fine()
    boxes = search(detector, picture, "thorough")
    assert len(boxes) > 1000
    assert sum(detector.seen) < 2 * 10_000_000
