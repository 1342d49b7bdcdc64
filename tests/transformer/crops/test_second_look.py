"""A face that is doubted or leans is looked at once more, and its points stay where they are."""

import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from serving.faces import Square
from serving.messages import InferenceRequest, Tensor
from tests.transformer.fakes import FakePredictor
from transformer.backends.base import FaceLandmarks
from transformer.crops.crop import crop_face, map_to_crop, to_picture
from transformer.crops.looks import Look, join_maps, measure_rolls, turn_back
from transformer.crops.second_look import (
    MOST,
    find_least,
    look_again,
)
from transformer.faces import DetectedFaces
from transformer.model import Transformer
from transformer.pool import WorkerPool
from transformer.settings import TransformerSettings


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
