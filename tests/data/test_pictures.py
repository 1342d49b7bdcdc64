"""Photographs come back with as many faces as the detector alone finds, whichever way up."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from client import locate
from tests.support.opencv_detectors import OPENCV
from tests.support.picture_files import encode
from transformer.detectors import find_detector, find_kind
from transformer.detectors.scales import FIRST
from transformer.detectors.views import view_picture
from transformer.pictures.picture import Picture, Pixels, open_picture


def read_rgb(content: bytes) -> Pixels:
    return open_picture(content, 10**9, 10**5).small


def find_alone(content: bytes) -> int:
    named = os.environ.get("LANDMARKS_DETECTOR")
    path = find_detector(Path(named) if named else None)
    detector = OPENCV[find_kind(path).name](path)
    view = view_picture(Picture.of_pixels(read_rgb(content)), FIRST).shrink(FIRST)
    return len(detector.search(view.pixels, detector.min_score)[0])


def test_groups_and_portraits(data, transformer):
    pictures = sorted((data / "pictures").glob("*/*.jpg"))
    assert len(pictures) >= 30
    for path in pictures:
        content = path.read_bytes()
        faces = locate(content, transformer.url)
        assert abs(len(faces) - find_alone(content)) <= 1, path.name
        if path.name == "dogs.jpg":
            assert all(face.box_score < 0.9 for face in faces)
        else:
            assert faces, path.name
        for face in faces:
            x0, y0, x1, y1 = face.box
            inside = [x0 - 20 < p.x < x1 + 20 and y0 - 20 < p.y < y1 + 20 for p in face.points]
            assert sum(inside) >= 13, path.name


@pytest.mark.parametrize("orientation", range(1, 9))
def test_points_follow_the_exif_orientation(data, transformer, orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that stores it so
    path = sorted((data / "pictures/portraits").glob("*.jpg"))[0]
    upright = Image.open(path).convert("RGB")
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    pictures = path.read_bytes(), encode(stored, "PNG", exif=exif)
    wanted, found = (find_points(content, transformer.url) for content in pictures)
    assert np.linalg.norm(found - wanted, axis=1).max() < 0.01 * upright.width


@pytest.mark.parametrize("degrees", [-135, -45, 30, 90, 180])
def test_portraits_turned_in_the_picture_are_as_good_as_upright(data, transformer, degrees):
    errors = []
    for path in sorted((data / "pictures/portraits").glob("*.jpg")):
        upright = read_rgb(path.read_bytes())
        height, width = upright.shape[:2]
        middle = ((width - 1) / 2, (height - 1) / 2)
        turn = cv2.getRotationMatrix2D(middle, degrees, 1)  # [2, 3]
        turned = cv2.warpAffine(upright, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        wanted = find_points(path.read_bytes(), transformer.url)
        file = encode(np.asarray(turned, np.uint8), "PNG", compress_level=1)
        found = find_points(file, transformer.url)
        back = (found - turn[:, 2]) @ turn[:, :2]
        eyes = np.linalg.norm(wanted[3] - wanted[5])  # the outer corners
        errors.append(100 * np.linalg.norm(back - wanted, axis=1).mean() / eyes)
    print(f"{degrees} degrees: {np.mean(errors):.2f} % on the mean, {max(errors):.1f} at most")
    assert len(errors) == 20 and np.mean(errors) < 1.5 and max(errors) < 10


def find_points(content: bytes, url: str) -> np.ndarray:
    best = max(locate(content, url), key=lambda face: face.box_score)
    return np.array([(point.x, point.y) for point in best.points])
