"""Draw faces onto their picture."""

from PIL import Image

from .faces import Face
from .pictures import read_rgb
from .pictures.draw import draw_faces


def draw_overlay(picture: bytes, faces: list[Face]) -> Image.Image:
    """Draw boxes and points; weak points (score below 0.5) are red.

    The picture is read as the service reads it; raises PictureError where that can't be.
    """
    named = [(face.box, [(p.x, p.y, p.score) for p in face.points]) for face in faces]
    return draw_faces(read_rgb(picture), named)
