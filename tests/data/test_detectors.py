"""The detector loses no face that its network finds in fp32; crowds and small faces."""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from tests.support.opencv_detectors import OPENCV
from training.index import read_picture, read_rows, take_points
from transformer.detectors import find_detector, load_detector
from transformer.detectors.base import Detector, Floats
from transformer.detectors.boxes import Boxes, measure_areas, measure_shared
from transformer.detectors.way_up import find_faces
from transformer.inputs.choices import Choices
from transformer.pictures.picture import Picture, Pixels
from transformer.settings import TransformerSettings

PEOPLE = ("london", "canada", "composite", "congress")
BOX = 113  # pixels of a face's box in the data's pictures of 256x256


@dataclass(frozen=True)
class Crowd:
    pixels: Pixels  # [H, W, 3]
    middles: Floats  # [F, 2]
    size: float  # pixels of a face's box

    def count_found(self, boxes: Floats) -> int:
        """Count the faces that a box `[G,4]` of about their size lies on."""
        sizes = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        apart = np.linalg.norm(self.middles[:, None] - middles[None], axis=2)  # [F, G]
        fits = (sizes > self.size / 2) & (sizes < 2 * self.size)
        return int(((apart < self.size / 3) & fits).any(axis=1).sum())


class CrowdMaker:
    def __init__(self, data: Path, grounds: Path | None = None):
        rows = [(f, row) for f, row in read_rows([data / "faces"]) if row["set"] in PEOPLE]
        self.faces = [read_picture(folder / row["path"]) for folder, row in rows[::8]]
        files = sorted(grounds.rglob("*.jpg")) if grounds else []
        self.grounds = files or [data / "pictures/groups/dogs.jpg"]

    def make_ground(self, number: int, width: int, height: int) -> Pixels:
        """Bring a photograph to a size; what is beyond it is cut off."""
        picture = read_picture(self.grounds[number % len(self.grounds)])
        ratio = max(width / picture.shape[1], height / picture.shape[0])
        size = round(picture.shape[1] * ratio + 0.5), round(picture.shape[0] * ratio + 0.5)
        how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
        return np.array(cv2.resize(picture, size, interpolation=how)[:height, :width], np.uint8)

    def make_crowd(
        self, number: int, size: tuple[int, int], face: float, count: int, turn: int = 0
    ) -> Crowd:
        """Lay faces with boxes of `face` pixels on a photograph, at random places of a grid."""
        ground, rng = self.make_ground(number, *size), np.random.default_rng(number)
        columns = int(np.ceil(np.sqrt(count * size[0] / size[1])))
        cell = np.array([size[0] / columns, size[1] / -(-count // columns)])
        side = round(face * 256 / BOX)
        middles = np.empty((count, 2), np.float32)
        for i in range(count):
            room = np.maximum(cell - side, 0) / 2
            middle = (np.array([i % columns, i // columns]) + 0.5) * cell + rng.uniform(-room, room)
            x, y = np.clip(middle - side / 2, 0, np.array(size) - side).astype(int)
            lay_face(ground, self.faces[rng.integers(len(self.faces))], x, y, side, turn)
            middles[i] = x + side / 2, y + side / 2
        return Crowd(ground, middles, face)


def lay_face(ground: Pixels, face: Pixels, left: int, top: int, side: int, turn: int = 0) -> None:
    """Lay a face on a picture, turned by quarters, the edge of an ellipse about it blended in."""
    small = np.rot90(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), turn)
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / side
    blend = np.rot90(np.clip((1.15 - np.hypot(x / 0.36, y / 0.45)) / 0.25, 0, 1), turn)[..., None]
    there = ground[top : top + side, left : left + side]
    there[:] = blend * small + (1 - blend) * there


@pytest.fixture(scope="module")
def detector() -> Detector:
    named = os.environ.get("LANDMARKS_DETECTOR")
    return load_detector(find_detector(Path(named) if named else None))


@pytest.fixture(scope="module")
def maker(data) -> CrowdMaker:
    return CrowdMaker(data)


def find(detector: Detector, pixels: np.ndarray, level: str = "default") -> Boxes:
    return find_faces(detector, Picture.of_pixels(pixels), Choices(level), TransformerSettings())


def test_no_face_is_lost_and_boxes_stay(data, detector):
    named = os.environ.get("LANDMARKS_DETECTOR")
    theirs = OPENCV[detector.name](find_detector(Path(named) if named else None))
    overlaps, extra = [], 0
    for path in sorted((data / "pictures").glob("*/*.jpg")):
        whole = read_picture(path)
        for side in (640, 60):  # of a portrait, its eyes are then 16 pixels apart
            small = cv2.resize(whole, None, fx=side / max(whole.shape), fy=side / max(whole.shape))
            picture = np.full((640, 640, 3), 128, np.uint8)
            picture[: small.shape[0], : small.shape[1]] = small
            boxes, _ = detector.search(picture, detector.min_score)
            wanted, _ = theirs.search(picture, theirs.min_score)
            for box in wanted:
                both = measure_shared(box, boxes)
                union = measure_areas(box[None]) + measure_areas(boxes) - both
                overlaps.append(float((both / union).max(initial=0)))
            extra += len(boxes) - len(wanted)
    print(f"{len(overlaps)} faces, {extra} more, {np.mean(overlaps):.4f}")
    lost = (np.array(overlaps) < 0.4).sum()  # CenterFace in bf16 loses one of 110, of 8 pixels
    assert len(overlaps) > 100 and lost <= (detector.name == "centerface")
    assert np.mean(overlaps) >= 0.97
    assert extra <= 0.05 * len(overlaps)


@pytest.mark.parametrize("size, level", [(100, "fast"), (60, "default"), (30, "thorough")])
def test_small_faces_of_12_megapixels_are_found(detector, maker, size, level):
    crowd = maker.make_crowd(0, (4000, 3000), size, 40)
    assert crowd.count_found(find(detector, crowd.pixels, level).corners) >= 39


def test_a_panorama_is_seen_as_closely_as_a_square_of_its_pixels(detector, maker):
    for number in range(3):
        crowd = maker.make_crowd(number, (4000, 375), 35, 7)
        assert crowd.count_found(find(detector, crowd.pixels).corners) == 7


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_large_face_on_its_side_takes_no_upright_one_away(detector, maker, turn):
    crowd = maker.make_crowd(0, (640, 480), 16, 30)
    alone = crowd.count_found(find(detector, crowd.pixels).corners)
    lay_face(crowd.pixels, maker.faces[3], 190, 120, 240, turn)
    free = (np.abs(crowd.middles - (310, 240)) > 130).any(axis=1)
    found = find(detector, crowd.pixels)
    large = found.select(found.measure_sizes() > 60)
    assert len(large) == 1 and large.turns[0] in (0, 4 - turn)  # CenterFace needs no turn
    left = crowd.count_found(found.corners[found.turns == 0])
    assert left >= alone - (~free).sum() and free.sum() > 15


@pytest.mark.parametrize("share", [1.5, 1.3, 1.15])
def test_a_close_up_is_seen_whole(data, detector, share):
    """Squares of so many eye distances, at 1024 pixels: the box is that of the whole face."""
    if detector.name == "centerface":
        pytest.skip("CenterFace is sure of 31 wrong ones of 152")
    wrong = 0
    for folder, row in read_rows([data / "faces"]):
        if (row["set"], row["part"]) not in (("canada", "test"), ("london", "val")):
            continue
        picture = read_picture(folder / row["path"])
        points = np.array(take_points(row, DEFAULT.points), np.float32)
        side = share * np.linalg.norm(points[3] - points[5])
        scale, middle = 1024 / side, (points.max(0) + points.min(0)) / 2
        shift = 512 - scale * middle
        affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        square = cv2.warpAffine(picture, affine, (1024, 1024), borderMode=cv2.BORDER_REPLICATE)
        found = find(detector, np.asarray(square, np.uint8))
        size = found.measure_sizes()[0] if len(found) else 0  # nostrils as eyes: 0.96 at most
        wrong += bool(size < 0.97 * 1024 or found.turns[0])
    assert wrong <= 1
