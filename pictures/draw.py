"""Draw faces onto their picture: what the client draws, and the service where it is asked to."""

from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw

from .read import Pixels

BOX, POINT, WEAK = "#39c2ff", "#ffe14d", "#ff5c5c"
WEAK_SCORE = 0.5  # of a point, below which it is red
SHARP_SIDE = 1400  # pixels; smaller pictures are enlarged, so that the points can be told apart

Box = Sequence[float]  # x0, y0, x1, y1 in pixels of the picture
Point = tuple[float, float, float]  # x, y, score


def draw_faces(
    pixels: Pixels,
    faces: Iterable[tuple[Box, Iterable[Point]]],
    size: tuple[int, int] | None = None,
    largest: int = 0,
) -> Image.Image:
    """Draw boxes and points onto pixels `[H,W,3]` RGB.

    `size` is the picture's own, width and height, where the pixels are fewer; `largest` is
    the longest side of what is drawn, 0 for any.
    """
    image = Image.fromarray(pixels)
    width, height = size or image.size
    scale = max(1.0, SHARP_SIDE / max(width, height))
    if largest:
        scale = min(scale, largest / max(width, height))
    drawn = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = image.resize(drawn, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    for box, points in faces:
        draw.rectangle([scale * float(v) for v in box], outline=BOX, width=2)
        radius = min(6.0, max(1.5, scale * float(box[2] - box[0]) / 60))
        for point in points:
            # A pixel's centre is at whole numbers, but at halves of the enlarged picture.
            x, y = (scale * (float(v) + 0.5) for v in point[:2])
            ring = [x - radius, y - radius, x + radius, y + radius]
            draw.ellipse(ring, fill=POINT if point[2] >= WEAK_SCORE else WEAK, outline="black")
    return image
