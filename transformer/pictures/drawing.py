"""Draw faces onto their picture, for callers who ask for one instead of numbers."""

import io
from collections.abc import Callable, Mapping

from numpy.typing import NDArray
from PIL import Image, ImageDraw

from serving.contract import BOXES, LANDMARKS, SCORES
from serving.messages import Call
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.pictures.picture import Picture
from transformer.pool import WorkerPool

SHARP_SIDE = 1400  # pixels; smaller pictures are enlarged, so that the points can be told apart
LARGEST_SIDE = 2048  # pixels of what is drawn, which takes 12 MB
BOX, POINT, WEAK = "#39c2ff", "#ffe14d", "#ff5c5c"
WEAK_SCORE = 0.5  # of a point, below which it is red
HOW = {  # Pillow's name of the format, and what it may cost
    "image/png": ("PNG", {"compress_level": 1}),
    "image/jpeg": ("JPEG", {"quality": 90}),
}


async def draw_answer(
    pool: WorkerPool,
    call: Call,
    open_picture: Callable[[int], Picture],
    arrays: Mapping[str, NDArray],
) -> tuple[bytes, Timings]:
    """Draw the faces onto the request's picture, in a worker, as the file that it asks for.

    `open_picture` opens it at a long side of so many pixels.
    """
    call.claim(3 * LARGEST_SIDE**2)
    timings: Timings = {}

    def draw(kind: str) -> bytes:
        with measure_stage(timings, Stage.DRAW):
            return draw_faces(open_picture(LARGEST_SIDE), arrays, kind)

    (content,) = await pool.run_all(draw, [call.picture], timings)
    return content, timings


def draw_faces(picture: Picture, arrays: Mapping[str, NDArray], kind: str) -> bytes:
    """Draw boxes `[F,4]` with points `[F,K,2]` of scores `[F,K]`, as a file of this media type."""
    scale = min(max(1.0, SHARP_SIDE / max(picture.size)), LARGEST_SIDE / max(picture.size))
    drawn = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    image = Image.fromarray(picture.small).resize(drawn, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    named = (arrays[spec.name].tolist() for spec in (BOXES, LANDMARKS, SCORES))
    for box, places, scores in zip(*named, strict=True):
        draw.rectangle([scale * v for v in box], outline=BOX, width=2)
        radius = min(6.0, max(1.5, scale * (box[2] - box[0]) / 60))
        for place, score in zip(places, scores, strict=True):
            # A pixel's centre is at whole numbers, but at halves of the enlarged picture.
            x, y = (scale * (v + 0.5) for v in place)
            ring = [x - radius, y - radius, x + radius, y + radius]
            draw.ellipse(ring, fill=POINT if score >= WEAK_SCORE else WEAK, outline="black")
    file = io.BytesIO()
    name, options = HOW[kind]
    image.save(file, name, **options)
    return file.getvalue()
