"""A photograph with as many pixels as the service looks at, which is a fraction of its bytes."""

import contextlib
import io
from collections.abc import Mapping
from itertools import cycle
from typing import Any

from .packages import load_package

PIXELS = {"fast": 640 * 640, "default": 1280 * 1280}  # of a level's finest look; docs/api.md
QUALITY = 90  # of the JPEG
ORIENTATION = 0x0112  # EXIF's tag
PILLOW = "PIL.Image", "pictures"  # the package and its extra
Factors = tuple[float, float]  # across and down the upright picture, from what was sent to it
NONE: Factors = (1.0, 1.0)


def shrink_picture(content: bytes, detect: str) -> tuple[bytes, tuple[int, int] | None, Factors]:
    """Return the file to send, its size where it is another one, and by what to enlarge points.

    It keeps its orientation. It is the given one where that has no more pixels than this level of
    `detect` looks at, or fewer bytes.
    """
    pillow = load_package(*PILLOW)
    with contextlib.suppress(Exception):  # the service says what is wrong with a file
        image = pillow.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP"))
        wide, high = image.size
        ratio = (wide * high / PIXELS.get(detect, wide * high)) ** 0.5
        if ratio > 1 and image.mode in ("RGB", "L"):
            given, kept = pillow.Exif(), pillow.Exif()
            given.load(image.info.get("exif", b""))
            kept[ORIENTATION] = given.get(ORIENTATION, 1)
            image.thumbnail((round(wide / ratio), round(high / ratio)), reducing_gap=1.0)
            image.save(file := io.BytesIO(), "JPEG", quality=QUALITY, exif=kept)
            if file.tell() < len(content):
                step = -1 if kept[ORIENTATION] > 4 else 1  # it lies on its side
                size, factors = image.size, (wide / image.width, high / image.height)
                return file.getvalue(), size[::step], factors[::step]
    return content, None, NONE


def enlarge(outputs: Mapping[str, Any], factors: Factors) -> Mapping[str, Any]:
    """Bring points and boxes, flat lists, to pixels of the original."""
    if factors == NONE:
        return outputs
    points, boxes = (zip(outputs[n], cycle(factors), strict=False) for n in ("landmarks", "boxes"))
    moved = {"landmarks": [(at + 0.5) * by - 0.5 for at, by in points]}
    return {**outputs, **moved, "boxes": [at * by for at, by in boxes]}
