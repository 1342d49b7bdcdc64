"""Faces of pictures that lie on their side or head are found, and small ones in large pictures."""

import cv2
import numpy as np
import pytest

from transformer.detectors.base import Detector
from transformer.detectors.boxes import Boxes
from transformer.detectors.way_up import find_faces
from transformer.inputs.choices import Choices
from transformer.pictures.picture import Picture
from transformer.settings import TransformerSettings


class Blocks(Detector):
    """Stands in for a detector: faces are white blocks, scored by how high they lie in a look."""

    name, min_score, doubt, sure = "blocks", 0.57, 0.2, 0.9

    def __init__(self, elsewhere: float):
        self.elsewhere, self.looks = elsewhere, 0  # the score of a face that is not upright

    def search(self, rgb, min_score):
        self.looks += 1
        count, _, stats, _ = cv2.connectedComponentsWithStats((rgb[..., 0] > 128).astype(np.uint8))
        rows = stats[1:count].astype(np.float32)  # [F, 5]: x, y, w, h, area
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        high = boxes[:, 3] < len(rgb) / 3
        scores = np.where(high, 0.95, self.elsewhere).astype(np.float32)
        seen = (scores >= min_score) & (rows[:, 4] >= 25)
        return boxes[seen], scores[seen]


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
    detector, picture = Blocks(elsewhere), make_picture(turn)
    found = search(detector, picture)
    assert found.turns.tolist() == [turn] and found.scores[0] > 0.9
    y, x = np.nonzero(picture[..., 0])
    wanted = [x.min(), y.min(), x.max() + 1, y.max() + 1]
    np.testing.assert_allclose(found.corners[0], wanted, atol=4)
    assert detector.looks == (6 if turn else 1)  # an upright one costs no look more


def test_turned_looks_that_show_nothing_better_change_nothing() -> None:
    picture = np.zeros((600, 480, 3), np.uint8)
    picture[250:350, 190:290] = 255  # 0.7 whichever way up
    found = search(Blocks(0.7), picture)
    assert found.turns.tolist() == [0] and found.corners.round().tolist() == [[190, 250, 290, 350]]


def test_upright_faces_stay_beside_one_that_is_turned() -> None:
    """Each face has its own way up, though the turned one scores best."""
    picture = np.zeros((600, 600, 3), np.uint8)
    picture[430:590, 220:380] = 255  # sure when upside down
    for i in range(9):  # small, in the middle: 0.7 whichever way up
        y, x = 220 + i // 3 * 60, 220 + i % 3 * 60
        picture[y : y + 20, x : x + 20] = 255
    found = search(Blocks(0.7), picture)
    assert found.turns.tolist() == [2] + [0] * 9


def test_a_face_that_is_sure_costs_one_look_and_a_thorough_request_sees_all() -> None:
    detector = Blocks(0.0)
    search(detector, make_picture(0), "fast")
    assert detector.looks == 1
    both = np.concatenate([make_picture(0), make_picture(2)], axis=1)[::2, ::2]
    both = np.ascontiguousarray(both)
    assert search(Blocks(0.0), both).turns.tolist() == [0]  # nothing hints at the other one
    turns = search(Blocks(0.0), both, "thorough").turns
    assert len(turns) == 2 and (turns == 0).sum() == 1


class Fine(Detector):
    """Finds each white block by its size in the look: from 16 pixels on, and hints from 6 on."""

    name, min_score, doubt, sure = "fine", 0.57, 0.2, 0.9

    def __init__(self) -> None:
        self.seen: list[int] = []

    def search(self, rgb, min_score):
        self.seen.append(rgb.shape[0] * rgb.shape[1])
        count, _, stats, _ = cv2.connectedComponentsWithStats((rgb[..., 0] > 100).astype(np.uint8))
        rows = stats[1:count].astype(np.float32)
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        sizes = np.sqrt(rows[:, 2] * rows[:, 3])
        scores = np.select([sizes > 15, sizes > 5], [0.95, 0.3], 0.0).astype(np.float32)
        return boxes[scores >= min_score], scores[scores >= min_score]


@pytest.mark.parametrize(
    "size, level, found",
    [
        (90, "fast", 40),
        (60, "fast", 0),
        (60, "default", 40),
        (40, "thorough", 40),
        (30, "thorough", 40),
        (30, "default", 0),
        (20, "thorough", 0),
    ],
)
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
    fine = [pixels for pixels in detector.seen[1:] if pixels > 200_000]
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
