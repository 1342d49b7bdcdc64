"""What is sent: the portrait of the tests, a group and a row made of it, or a picture of yours."""

import io
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.processes import ROOT

PORTRAIT = ROOT / "tests/assets/astronaut.jpg"
EYES = np.array([[246, 103.5], [203, 100.5]])  # centres of the left and the right one, set by eye
TILE = (100, 0, 340, 240)  # x0, y0, x1, y1 of the portrait's face with room around it
DTYPES = {"FP32": np.float32, "INT32": np.int32}  # of an answer's tensors
APART = 0.2  # of the distance between the eyes: how far off a point may be


@dataclass(frozen=True, slots=True)
class Known:
    """A picture, and the eyes `[F,2,2]` of its faces in any order; none where nobody looked."""

    content: bytes
    eyes: NDArray[np.float64] | None = None


def make_portrait(width: int = 512, height: int = 512) -> Known:
    """Make a JPEG of the portrait at this size: one face."""
    resized = Image.open(PORTRAIT).convert("RGB").resize((width, height))
    scale = np.array([width / 512, height / 512])
    return Known(write_jpeg(resized), ((EYES + 0.5) * scale - 0.5)[None])


def make_group(rows: int = 2, columns: int = 4) -> Known:
    """Make a JPEG of so many faces, all of them the portrait's."""
    x0, y0, x1, y1 = TILE
    tile = Image.open(PORTRAIT).convert("RGB").crop(TILE)
    group = Image.new("RGB", (columns * (x1 - x0), rows * (y1 - y0)))
    eyes = []
    for row, column in itertools.product(range(rows), range(columns)):
        corner = column * (x1 - x0), row * (y1 - y0)
        group.paste(tile, corner)
        eyes.append(EYES - (x0, y0) + corner)
    return Known(write_jpeg(group), np.stack(eyes))


def write_jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def find_stranger(points: NDArray, eyes: NDArray) -> str:
    """Say which known face `[F,2,2]` has no landmarks `[N,K,2]` on its eyes; "" is all have.

    The first two points of a face are its left and its right eye.
    """
    if len(points) != len(eyes):
        return f"{len(points)} faces instead of {len(eyes)}"
    for number, pair in enumerate(eyes):
        off = np.linalg.norm(points[:, :2] - pair, axis=2).max(axis=1)  # [N]
        apart = float(np.linalg.norm(pair[0] - pair[1]))
        if not off.min() < APART * apart:
            return f"no face has its eyes where face {number} has them ({off.min():.1f} px off)"
    return ""


def make_row() -> list[Known]:
    """Make several pictures whose faces lie elsewhere in each, so that none passes for another."""
    return [make_portrait(), make_group(1, 2), make_portrait(400, 400), make_portrait(640, 640)]
