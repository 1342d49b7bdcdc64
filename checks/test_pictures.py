"""Photographs with several faces come back with as many as the detector alone finds."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from client import locate
from pictures import read_rgb
from transformer.detectors import find_detector, load_detector


def find_alone(content: bytes) -> int:
    path = os.environ.get("LANDMARKS_DETECTOR")
    detector = load_detector(find_detector(Path(path) if path else None), 640)
    return len(detector.detect(read_rgb(content))[1])


def test_groups_and_portraits(data, transformer):
    pictures = sorted((data / "pictures").glob("*/*.jpg"))
    assert len(pictures) >= 30
    for path in pictures:
        content = path.read_bytes()
        faces = locate(content, transformer.url)
        assert abs(len(faces) - find_alone(content)) <= 1, path.name
        if path.name == "dogs.jpg":
            assert all(face.score < 0.9 for face in faces)
        else:
            assert faces, path.name
        for face in faces:
            inside = [
                face.box[0] - 20 < point.x < face.box[2] + 20
                and face.box[1] - 20 < point.y < face.box[3] + 20
                for point in face.points
            ]
            assert sum(inside) >= 13, path.name


@pytest.mark.parametrize("orientation", range(1, 9))
def test_points_follow_the_exif_orientation(data, transformer, orientation):
    """Each of the eight orientations of one photograph shows the same upright face."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that stores it so
    path = sorted((data / "pictures/portraits").glob("*.jpg"))[0]
    upright = Image.open(path).convert("RGB")
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    stored.save(buffer, "PNG", exif=exif)
    (wanted,) = locate(path.read_bytes(), transformer.url)
    (found,) = locate(buffer.getvalue(), transformer.url)
    distance = [
        np.hypot(a.x - b.x, a.y - b.y) for a, b in zip(wanted.points, found.points, strict=True)
    ]
    assert max(distance) < 0.01 * upright.width
