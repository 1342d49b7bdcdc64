"""Draw faces onto their picture."""

from PIL import Image, ImageDraw

from .faces import Face
from .pictures import read_rgb

BOX, POINT, WEAK = "#39c2ff", "#ffe14d", "#ff5c5c"
SHARP_SIDE = 1400  # pixels; smaller pictures are enlarged, so that the points can be told apart


def draw_overlay(picture: bytes, faces: list[Face]) -> Image.Image:
    """Draw boxes and points; weak points (score below 0.5) are red.

    The picture is read as the service reads it; raises PictureError where that can't be.
    """
    image = Image.fromarray(read_rgb(picture))
    scale = max(1.0, SHARP_SIDE / max(image.size))
    size = (round(image.width * scale), round(image.height * scale))
    image = image.resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    for face in faces:
        draw.rectangle([scale * v for v in face.box], outline=BOX, width=2)
        width = scale * (face.box[2] - face.box[0])
        radius = min(6.0, max(1.5, width / 60))
        for point in face.points:
            # A pixel's centre is at whole numbers, but at halves of the enlarged picture.
            x, y = scale * (point.x + 0.5), scale * (point.y + 0.5)
            ring = [x - radius, y - radius, x + radius, y + radius]
            draw.ellipse(ring, fill=POINT if point.score >= 0.5 else WEAK, outline="black")
    return image
