"""Pictures and faces that lie on their side or head come back with points where they are."""

import cv2
import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from serving.messages import InferenceRequest, Tensor
from tests.transformer.fakes import FakePredictor
from transformer.backend import FaceLandmarks
from transformer.choices import Choices
from transformer.crop import Square, crop_face, map_to_crop, to_picture
from transformer.detectors.base import Detector
from transformer.detectors.boxes import Boxes
from transformer.faces import DetectedFaces
from transformer.looks import Look, join_maps, measure_rolls, turn_back
from transformer.model import Transformer
from transformer.picture import Picture
from transformer.pool import WorkerPool
from transformer.second_look import (
    MOST,
    find_least,
    look_again,
)
from transformer.settings import TransformerSettings
from transformer.way_up import find_faces


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


def test_points_boxes_and_maps_follow_the_turn() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (200, 160), np.uint8)
    square = Square(20, 30, 96)  # pixel by pixel
    crop = crop_face(picture, square, DEFAULT)
    for turn in range(4):
        looks = (
            Look.first(np.rot90(crop, turn, (1, 2)), turn),
            Look.first(crop, 0).turn_quarters(turn),
        )
        for look in looks:
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
    crop = np.zeros((1, 96, 96), np.uint8)
    x, y = np.rint(47.5 + 30 * slope).astype(int)
    crop[0, y - 1 : y + 2, x - 1 : x + 2] = 255  # a mark on the line
    look = Look.first(crop, 0).rotate(degrees)
    at = np.argwhere(look.crop[0] > 128).mean(0)[::-1]  # x, y
    np.testing.assert_allclose(at, [77.5, 47.5], atol=1)
    back = turn_back(at[None, None].astype(np.float32), look.turn[None])
    np.testing.assert_allclose(back[0, 0], [x, y], atol=1)


def test_a_set_without_mirrored_points_never_leans() -> None:
    points = np.random.default_rng(0).uniform(0, 95, (3, 15, 2)).astype(np.float32)
    assert measure_rolls(points, DEFAULT.model_copy(update={"mirror": ()})).tolist() == [0, 0, 0]


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

    class Finder:
        def detect_faces(self, content, landmarks, choices):
            boxes, turns = np.zeros((2, 4), np.float32), np.zeros(2, np.int16)
            squares = [Square(0, 0, 96)] * 2
            return DetectedFaces(boxes, np.ones(2, np.float32), turns, squares, crops)

    settings = TransformerSettings(workers=1, any_way_up=turned)
    model = Transformer("unet", settings, LowerHalf())
    model.finder = Finder()  # type: ignore[assignment]
    model.pool, model.ready = WorkerPool(1, 4), True
    picture = np.empty(1, np.object_)
    picture[0] = b"x"
    named = ("landmarks", "crops", "heatmaps")
    request = InferenceRequest("unet", {"image": Tensor("image", "BYTES", picture)}, outputs=named)
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
