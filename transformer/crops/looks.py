"""The crops that the network sees, and how each lies to its square of the picture."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.landmarks import LandmarkSet
from transformer.crops.crop import Floats

QUARTERS = np.array(  # what quarter turns do to a pixel of the crop: [4, 2, 2]
    [[[1, 0], [0, 1]], [[0, 1], [-1, 0]], [[-1, 0], [0, -1]], [[0, -1], [1, 0]]], np.float32
)
REST = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], np.float32)  # and where a corner goes: [4, 2]


@dataclass(slots=True)
class Look:
    """One face's crop as it was turned for the network."""

    crop: NDArray[np.uint8]  # [C, S, S]
    turn: Floats  # [2, 3], a rotation: pixels of the square's crop -> pixels of this one

    @classmethod
    def first(cls, crop: NDArray[np.uint8], quarters: int) -> "Look":
        """Take a crop that has been turned by quarters, counter-clockwise as numpy.rot90."""
        return cls(crop, map_quarters(quarters, crop.shape[-1]))

    def turn_quarters(self, quarters: int) -> "Look":
        crop = np.ascontiguousarray(np.rot90(self.crop, quarters, (1, 2)))
        return Look(crop, join_maps(map_quarters(quarters, crop.shape[-1]), self.turn))

    def rotate(self, degrees: float) -> "Look":
        """Rotate it about its middle, counter-clockwise; its border goes on into the corners."""
        side = self.crop.shape[-1]
        middle = (side - 1) / 2
        turn = np.asarray(cv2.getRotationMatrix2D((middle, middle), degrees, 1), np.float32)
        border = cv2.BORDER_REPLICATE
        pixels = np.ascontiguousarray(self.crop.transpose(1, 2, 0))  # [S, S, C]
        rotated = cv2.warpAffine(pixels, turn, (side, side), borderMode=border)
        crop = np.asarray(rotated, np.uint8).reshape(side, side, -1).transpose(2, 0, 1)
        return Look(np.ascontiguousarray(crop), join_maps(turn, self.turn))


@lru_cache
def map_quarters(quarters: int, side: int) -> Floats:
    """Make the affine `[2,3]` that turns the pixels of a crop by quarters."""
    return np.column_stack([QUARTERS[quarters], REST[quarters] * (side - 1)]).astype(np.float32)


def join_maps(last: Floats, first: Floats) -> Floats:
    """Make affines `[...,2,3]` of two each, `first` being applied first."""
    joined: Floats = last[..., :2] @ first
    joined[..., 2] += last[..., 2]
    return joined


def stack_crops(looks: list[Look]) -> NDArray[np.uint8]:
    """Put the crops of looks together: `[F,C,S,S]`, contiguous as engines need it."""
    return np.ascontiguousarray(np.stack([look.crop for look in looks]))


def turn_back(points: Floats, turns: Floats) -> Floats:
    """Map points `[F,K,2]` of turned crops to pixels of the squares'; exact for quarters."""
    return np.matmul(points - turns[:, None, :, 2], turns[..., :2])  # a rotation's inverse


def measure_rolls(points: Floats, landmarks: LandmarkSet) -> Floats:
    """Measure how far faces with points `[F,K,2]` lean: `[F]` degrees in -90..90, clockwise.

    It is the direction that the lines between mirrored points share, whichever is the left;
    0 for a set without mirrored points.
    """
    across = points - points[:, find_mirrored(landmarks)]  # [F, K, 2]
    x, y = across[..., 0], across[..., 1]
    doubled = np.arctan2((2 * x * y).sum(1), (x * x - y * y).sum(1))  # a line has no sign
    return np.degrees(doubled / 2)


@lru_cache
def find_mirrored(landmarks: LandmarkSet) -> NDArray[np.intp]:
    """Find each point's mirrored one, itself for those in the middle: `[K]`."""
    return np.array(landmarks.mirrored)
