"""Crowds of known faces on photographs, and how many of them are found."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.index import read_picture, read_rows
from transformer.detectors.base import Floats
from transformer.pictures.picture import Pixels

PEOPLE = ("london", "canada", "composite", "congress")
BOX = 113  # pixels of a face's box in the data's pictures of 256x256


@dataclass(frozen=True)
class Crowd:
    pixels: Pixels  # [H, W, 3]
    middles: Floats  # [F, 2]
    size: float  # pixels of a face's box

    def count_found(self, boxes: Floats) -> int:
        """Count the faces that a box `[G,4]` of about their size lies on."""
        sizes = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        apart = np.linalg.norm(self.middles[:, None] - middles[None], axis=2)  # [F, G]
        fits = (sizes > self.size / 2) & (sizes < 2 * self.size)
        return int(((apart < self.size / 3) & fits).any(axis=1).sum())


class CrowdMaker:
    def __init__(self, data: Path, grounds: Path | None = None):
        rows = [(f, row) for f, row in read_rows([data / "faces"]) if row["set"] in PEOPLE]
        self.faces = [read_picture(folder / row["path"]) for folder, row in rows[::8]]
        files = sorted(grounds.rglob("*.jpg")) if grounds else []
        self.grounds = files or [data / "pictures/groups/dogs.jpg"]

    def make_ground(self, number: int, width: int, height: int) -> Pixels:
        """Bring a photograph to a size; what is beyond it is cut off."""
        picture = read_picture(self.grounds[number % len(self.grounds)])
        ratio = max(width / picture.shape[1], height / picture.shape[0])
        size = round(picture.shape[1] * ratio + 0.5), round(picture.shape[0] * ratio + 0.5)
        how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
        return np.array(cv2.resize(picture, size, interpolation=how)[:height, :width], np.uint8)

    def make_crowd(
        self, number: int, size: tuple[int, int], face: float, count: int, turn: int = 0
    ) -> Crowd:
        """Lay faces with boxes of `face` pixels on a photograph, at random places of a grid."""
        ground, rng = self.make_ground(number, *size), np.random.default_rng(number)
        columns = int(np.ceil(np.sqrt(count * size[0] / size[1])))
        cell = np.array([size[0] / columns, size[1] / -(-count // columns)])
        side = round(face * 256 / BOX)
        middles = np.empty((count, 2), np.float32)
        for i in range(count):
            room = np.maximum(cell - side, 0) / 2
            middle = (np.array([i % columns, i // columns]) + 0.5) * cell + rng.uniform(-room, room)
            x, y = np.clip(middle - side / 2, 0, np.array(size) - side).astype(int)
            lay_face(ground, self.faces[rng.integers(len(self.faces))], x, y, side, turn)
            middles[i] = x + side / 2, y + side / 2
        return Crowd(ground, middles, face)


def lay_face(ground: Pixels, face: Pixels, left: int, top: int, side: int, turn: int = 0) -> None:
    """Lay a face on a picture, turned by quarters, the edge of an ellipse about it blended in."""
    small = np.rot90(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), turn)
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / side
    blend = np.rot90(np.clip((1.15 - np.hypot(x / 0.36, y / 0.45)) / 0.25, 0, 1), turn)[..., None]
    there = ground[top : top + side, left : left + side]
    there[:] = blend * small + (1 - blend) * there
