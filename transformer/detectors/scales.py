"""The scales that a picture is looked at, and the tiles that a fine one is cut into.

Scales count pixels and not the long side: of a panorama as much is seen as of a square.
"""

from dataclasses import dataclass

FIRST = 640 * 640  # pixels of a first look; a smaller picture is looked at as it is
FINER = 4  # times the pixels of the scale before
WORTH = 1.5  # a finer scale has as many times the pixels, or isn't looked at
TILE = 640  # pixels of a tile's side, at most
SHARED = 64  # pixels that neighbouring tiles share; larger faces are the coarser scale's
MULTIPLE = 32  # pixels: what the networks halve five times
SNAPPED = 320  # pixels from which a side is rounded to such a multiple, as nothing is padded then


@dataclass(frozen=True)
class Level:
    """How closely a picture is looked at."""

    first: int  # pixels of the first look
    finest: int | None  # pixels of the last one; None: what the budget has left
    everywhere: bool  # all tiles and all ways up, also where nothing hints at a face

    @property
    def side(self) -> int:
        """The side of a square of the first look's pixels."""
        return round(self.first**0.5)


LEVELS = {
    "fast": Level(FIRST // FINER, FIRST, False),
    "default": Level(FIRST, FIRST * FINER, False),
    "thorough": Level(FIRST, None, True),
}

Tile = tuple[int, int, int, int]  # left, top, right, bottom


def list_scales(level: Level, pixels: int, budget: int) -> list[int]:
    """List how many pixels each scale of a picture has, from the coarsest to the finest.

    Together they have no more than the budget, but for the first, which is always there.
    """
    scales = [min(level.first, pixels)]
    while True:
        finest = min(FINER * scales[-1], pixels, level.finest or pixels, budget - sum(scales))
        if finest < WORTH * scales[-1]:
            return scales
        scales.append(finest)


def fit_size(width: int, height: int, pixels: int) -> tuple[int, int]:
    """Fit a size (width, height) into so many pixels, or a few more; a smaller one stays."""
    ratio = (width * height / pixels) ** 0.5
    return (width, height) if ratio <= 1 else (snap(width / ratio), snap(height / ratio))


def snap(side: float) -> int:
    """Round a side, a long one to what the networks need."""
    multiple = MULTIPLE if side >= SNAPPED else 1
    return max(1, multiple * round(side / multiple))


def place_tiles(width: int, height: int) -> list[Tile]:
    """Place tiles of one size over a scale; neighbours share SHARED pixels or a few more."""
    columns, rows = cut_side(width), cut_side(height)
    return [(x0, y0, x1, y1) for y0, y1 in rows for x0, x1 in columns]


def cut_side(side: int) -> list[tuple[int, int]]:
    """Cut a side into parts of one length, at most TILE pixels."""
    count = max(1, -(-(side - SHARED) // (TILE - SHARED)))
    least = -(-(side + (count - 1) * SHARED) // count)
    length = min(side, -(-least // MULTIPLE) * MULTIPLE)
    starts = [round(i * (side - length) / max(1, count - 1)) for i in range(count)]
    return [(start, start + length) for start in starts]
