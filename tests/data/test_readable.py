"""Public picture files are read here where Pillow or OpenCV reads them, and nowhere else.

PICTURE_FILES names a folder of JPEG, PNG and WebP files, Pillow's unpacked source distribution for
one, whose Tests/images has some 500. Of those there is no difference.
"""

import io
import os
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from serving.errors import ServingError
from transformer.pictures.kinds import name_kind
from transformer.pictures.picture import open_picture

FOLDER = os.environ.get("PICTURE_FILES")


def read_with_pillow(content: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "WEBP"]).load()
    except Exception:
        return False
    return True


def read_with_opencv(content: bytes) -> bool:
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is not None
    except cv2.error:
        return False


def read_here(content: bytes) -> str:
    """Read a picture as the service does; gives why not, or nothing."""
    try:
        open_picture(content, 40_000_000, 640).read(1)
    except ServingError as error:
        return error.message
    return ""


@pytest.mark.skipif(FOLDER is None, reason="PICTURE_FILES names no folder of picture files")
def test_the_same_files_are_readable():
    seen, differences = 0, []
    for path in sorted(Path(str(FOLDER)).rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if name_kind(content) not in ("JPEG", "PNG", "WebP"):
            continue
        seen += 1
        theirs = {"Pillow": read_with_pillow(content), "OpenCV": read_with_opencv(content)}
        refused = read_here(content)
        if any(theirs.values()) == bool(refused):
            differences.append(f"{path.name}: {refused or 'read here'}; {theirs}")
    print(f"\n{seen} files")
    assert seen and not differences, "\n".join(differences)
