"""The overlay shows the picture that the service saw."""

import numpy as np
import pytest
from PIL import Image

from client.faces import Face, Point
from client.overlay import draw_overlay
from client.pictures import PictureError
from tests.pictures.files import encode, insert, make_exif, segment, smooth
from tests.pictures.test_upright import XMP
from transformer.picture import open_picture

FACE = Face((20.0, 20.0, 80.0, 80.0), 0.9, (Point("nose_tip", 50.0, 50.0, 0.9),))
GREY = np.asarray(Image.fromarray(smooth(300, 200)).convert("L")).astype(np.uint16)
JPEG = encode(smooth(300, 200), quality=95)
FILES = {
    "16-bit PNG": encode(GREY * 257, "PNG"),
    "JPEG": JPEG,
    "turned by EXIF": insert(JPEG, 2, segment(0xE1, b"Exif\0\0" + make_exif(6))),
    "XMP that turns nothing": insert(JPEG, 2, segment(0xE1, XMP)),
    "WebP": encode(smooth(300, 200), "WEBP", lossless=True),
}


@pytest.mark.parametrize("name", FILES)
def test_it_is_drawn_onto_what_the_service_saw(name):
    seen = open_picture(FILES[name], 10**6, 640).small
    drawn = np.asarray(draw_overlay(FILES[name], []).resize(seen.shape[1::-1]))
    assert np.abs(drawn.astype(int) - seen).mean() < 3
    assert (
        np.asarray(draw_overlay(FILES[name], [FACE])) != np.asarray(draw_overlay(FILES[name], []))
    ).any()


def test_what_is_no_picture_is_said_to_be_none():
    with pytest.raises(PictureError, match="no picture that is read here"):
        draw_overlay(b"nothing", [])
