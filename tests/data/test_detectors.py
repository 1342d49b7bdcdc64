"""The detector loses no face that its network finds in fp32, and finds small and large ones alike.

The pictures are made of the data's faces: crowds, panoramas, mixed ways up, close-ups.
"""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from tests.data.crowds import CrowdMaker, lay_face
from tests.support.opencv_detectors import OPENCV
from training.index import read_picture, read_rows, take_points
from transformer.detectors import find_detector, load_detector
from transformer.detectors.base import Detector
from transformer.detectors.boxes import Boxes, measure_areas, measure_shared
from transformer.detectors.way_up import find_faces
from transformer.inputs.choices import Choices
from transformer.pictures.picture import Picture
from transformer.settings import TransformerSettings


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
