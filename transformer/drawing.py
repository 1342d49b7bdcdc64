"""The drawn picture, for callers who ask for one instead of numbers."""

import io
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pictures.draw import draw_faces
from serving.contract import BOXES, LANDMARKS, SCORES
from serving.messages import Call
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.picture import Picture
from transformer.pool import WorkerPool

LARGEST_SIDE = 2048  # pixels of what is drawn, which takes 12 MB
HOW = {  # Pillow's name of the format, and what it may cost
    "image/png": ("PNG", {"compress_level": 1}),
    "image/jpeg": ("JPEG", {"quality": 90}),
}

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
        draw_faces(picture.small, faces, size, LARGEST_SIDE).save(file, name, **options)
        return file.getvalue()
