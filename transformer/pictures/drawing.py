"""Draw faces onto their picture, for callers who ask for one instead of numbers."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from serving.contract import BOXES, LANDMARKS, SCORES
from serving.messages import Call
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.pictures.picture import Picture, Pixels
from transformer.pool import WorkerPool

SHARP_SIDE = 1400  # pixels; smaller pictures are enlarged, so that the points can be told apart
LARGEST_SIDE = 2048  # pixels of what is drawn, which takes 12 MB
BOX, POINT, WEAK = "#39c2ff", "#ffe14d", "#ff5c5c"
WEAK_SCORE = 0.5  # of a point, below which it is red
HOW = {  # Pillow's name of the format, and what it may cost
    "image/png": ("PNG", {"compress_level": 1}),
    "image/jpeg": ("JPEG", {"quality": 90}),
}

Box = Sequence[float]  # x0, y0, x1, y1 in pixels of the picture
Point = tuple[float, float, float]  # x, y, score
Open = Callable[[int], Picture]  # the request's picture, at a long side of so many pixels


async def draw_answer(
    pool: WorkerPool, call: Call, open_picture: Open, arrays: Mapping[str, NDArray]
) -> tuple[bytes, Timings]:
    """Draw the faces onto the request's picture, in a worker, as the file that it asks for."""
    call.claim(3 * LARGEST_SIDE**2)
    timings: Timings = {}
    named = [arrays[spec.name] for spec in (BOXES, LANDMARKS, SCORES)]
    draw = partial(draw_file, open_picture, call.picture, timings)
    (content,) = await pool.run_all(draw, [named], timings)
    return content, timings


def draw_file(open_picture: Open, kind: str, timings: Timings, named: list[NDArray]) -> bytes:
    """Draw boxes `[F,4]` with points `[F,K,2]` of scores `[F,K]`, as a file of this media type."""
    with measure_stage(timings, Stage.DRAW):
        picture = open_picture(LARGEST_SIDE)
        boxes, landmarks, scores = named
        points = np.concatenate([landmarks, scores[:, :, None]], axis=2)  # [F, K, 3]
        faces = zip(boxes.tolist(), points.tolist(), strict=True)
        size = (picture.width, picture.height)
        file = io.BytesIO()
        name, options = HOW[kind]
        draw_faces(picture.small, faces, size).save(file, name, **options)
        return file.getvalue()


def draw_faces(
    pixels: Pixels, faces: Iterable[tuple[Box, Iterable[Point]]], size: tuple[int, int]
) -> Image.Image:
    """Draw boxes and points onto pixels `[h,w,3]` RGB of a picture of this width and height."""
    scale = min(max(1.0, SHARP_SIDE / max(size)), LARGEST_SIDE / max(size))
    drawn = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    image = Image.fromarray(pixels).resize(drawn, Image.Resampling.LANCZOS)
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
