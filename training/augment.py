"""Turn one loose crop into endless different faces, their points moved along."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from training import Bytes, Floats
from training.disturb import dress_picture, mix_grey, to_bytes
from training.faces import Frame

FIELD = 64  # side of a displacement field that spans the whole crop
USUAL = 256  # pixels of the crop that the figures below are of
ROLL = 52.0  # degrees; from 50 on the transformer turns the picture instead
NO_MAP: Any = None  # remap's second map: the first holds x and y, which its types forget


@dataclass(frozen=True)
class Strength:
    """How far the shape is changed; every figure is a standard deviation or a chance."""

    rotation: float = 13.0  # degrees
    roll: float = 0.18  # chance of any roll up to ROLL instead
    scale: float = 0.10  # of the logarithm
    stretch: float = 0.05  # of the logarithm of width over height
    shear: float = 0.06
    shift: float = 4 / 96  # of the input's side
    warp: float = 2.2 / USUAL  # of the crop's side
    turn: float = 0.16  # sine of yaw and pitch


CALM = Strength(
    rotation=5.0,
    roll=0.05,
    scale=0.04,
    stretch=0.02,
    shear=0.02,
    shift=1.5 / 96,
    warp=1.0 / USUAL,
    turn=0.06,
)


def augment_face(
    picture: Bytes, points: Floats, frame: Frame, rng: Generator, calm: float = 0
) -> tuple[Bytes, Floats]:
    """Make one clean example of a crop `[C,C,3]` and its points: grey `[S,S]`, points `[K,2]`.

    A share `calm` of the faces is changed little, and keeps its background.
    """
    if rng.random() < calm:
        picture, points = warp_face(picture, points, frame, rng, CALM)
        return to_bytes(mix_grey(picture, rng)), points
    picture, points = warp_face(picture, points, frame, rng)
    return dress_picture(picture, rng), points


def warp_face(
    picture: Bytes, points: Floats, frame: Frame, rng: Generator, strength: Strength = Strength()
) -> tuple[Bytes, Floats]:
    """Change the shape alone: RGB `[C,C,3]` -> RGB `[S,S,3]`, and points `[K,2]`."""
    if rng.random() < 0.5:
        picture, points = cv2.flip(picture, 1), flip_points(points, frame)
    affine = draw_affine(frame, rng, strength)  # [2, 3], input pixels -> crop pixels
    field = draw_warp(rng, strength.warp) + draw_turn(rng, strength.turn)  # [64, 64, 2]
    field = field * np.float32(frame.crop)
    side = frame.side
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    middle = map_affine(affine, grid.astype(np.float32))  # [S*S, 2], crop pixels
    source = (middle + sample_field(field, middle, frame)).reshape(side, side, 2)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT
    warped = cv2.remap(picture, source, NO_MAP, cv2.INTER_LINEAR, borderMode=border)
    back = cv2.invertAffineTransform(affine)
    return warped, map_affine(back, invert_field(field, points, frame))


def flip_points(points: Floats, frame: Frame) -> Floats:
    """Mirror points `[...,K,2]` of a crop, left landmarks becoming right."""
    mirrored = points[..., list(frame.landmarks.mirrored), :].copy()
    mirrored[..., 0] = frame.crop - 1 - mirrored[..., 0]
    return mirrored


def draw_affine(frame: Frame, rng: Generator, strength: Strength) -> Floats:
    """Draw the affine map `[2,3]` from pixels of the input to pixels of the crop."""
    rolled = rng.random() < strength.roll
    angle = np.radians(rng.uniform(-ROLL, ROLL) if rolled else rng.normal(0, strength.rotation))
    scale = np.exp(rng.normal(0, strength.scale)) * frame.face / frame.side
    stretch = np.exp(rng.normal(0, strength.stretch) / 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[stretch, rng.normal(0, strength.shear)], [0, 1 / stretch]])
    matrix = scale * turn @ shear
    centre = (frame.side - 1) / 2 + rng.normal(0, strength.shift * frame.side, 2)
    return np.column_stack([matrix, (frame.crop - 1) / 2 - matrix @ centre]).astype(np.float32)


def draw_warp(rng: Generator, sd: float) -> Floats:
    """Draw a smooth random displacement `[64,64,2]`, in shares of the crop, from a coarse grid."""
    knots = rng.normal(0, sd * rng.uniform(0, 1.6), (7, 7, 2)).astype(np.float32)
    return cv2.resize(knots, (FIELD, FIELD), interpolation=cv2.INTER_CUBIC)


def draw_turn(rng: Generator, sd: float) -> Floats:
    """Draw the displacement `[64,64,2]` of a head that turns (yaw) and nods (pitch).

    The head is a dome of a generic depth with a bump for the nose; in shares of the crop.
    """
    yaw, pitch = np.clip(rng.normal(0, sd, 2) * (1, 0.6), -0.4, 0.4)
    return np.stack([yaw * DEPTH, pitch * DEPTH], axis=-1).astype(np.float32)


def shape_depth() -> Floats:
    """Make the generic head's depth `[64,64]` towards the viewer, in shares of the crop."""
    at = ((np.arange(FIELD) + 0.5) / FIELD - 0.5) * USUAL
    x, y = at[None, :], at[:, None]
    dome = 50 * np.exp(-((x / 62) ** 2) - (y / 80) ** 2)
    nose = 14 * np.exp(-((x / 14) ** 2) - ((y - 12) / 18) ** 2)
    return ((dome + nose) / USUAL).astype(np.float32)


DEPTH = shape_depth()


def sample_field(field: Floats, at: Floats, frame: Frame) -> Floats:
    """Read a displacement field `[64,64,2]` at crop pixels `[M,2]`, NaN where they are."""
    share = np.float32(FIELD / frame.crop)
    where = at * share + np.float32(0.5 * share - 0.5)
    at_grid = np.nan_to_num(where)[:, None]  # [M, 1, 2]
    border = cv2.BORDER_REPLICATE
    read = cv2.remap(field, at_grid, NO_MAP, cv2.INTER_LINEAR, borderMode=border)[:, 0]
    return np.where(np.isnan(at), at, read)


def invert_field(field: Floats, points: Floats, frame: Frame) -> Floats:
    """Find where points `[K,2]` go, given that place p shows what was at p + field(p)."""
    moved = points
    for _ in range(8):  # a fixed point: the fields are gentler than 1 pixel per pixel
        moved = points - sample_field(field, moved, frame)
    return moved


def map_affine(affine: Floats, points: Floats) -> Floats:
    """Map points `[K,2]` by an affine `[2,3]`."""
    return points @ affine[:, :2].T.astype(np.float32) + affine[:, 2].astype(np.float32)
