"""Face boxes to the square crops that the network takes, and its points back."""

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.faces import Square, place_square
from serving.landmarks import LandmarkSet
from transformer.pictures.picture import Picture, Pixels, find_scale

Floats = NDArray[np.float32]

LEAST_SPREAD = 1e-9  # sum of squares below which points are all in one place
LARGE = 4096  # pixels of a side; larger squares, where they reach beyond, are reduced in two steps


def choose_scale(boxes: Floats, landmarks: LandmarkSet) -> int:
    """Choose the scale, 1/8 at most, at which faces `[F,4]` still have as many pixels as a crop."""
    least = min((place_square(box, landmarks).side for box in boxes), default=2**20)
    return find_scale(lambda scale: least >= scale * landmarks.side)


def crop_faces(
    picture: Picture,
    pixels: Pixels,
    scale: int,
    boxes: Floats,
    turns: NDArray[np.int16],
    landmarks: LandmarkSet,
) -> tuple[list[Square], NDArray[np.uint8]]:
    """Crop the faces `[F,4]` of a picture out of its pixels at a scale: squares, and `[F,C,S,S]`.

    Each crop is turned by its quarters `[F]`, counter-clockwise, so that its face is upright.
    Boxes and squares are in pixels of the picture; squares are whole pixels of those at the scale.
    """
    x, y = picture.find_origin(scale)
    side = landmarks.side
    crops = np.empty((len(boxes), landmarks.channels, side, side), np.uint8)
    squares = []
    for i, box in enumerate((boxes - np.array([x, y, x, y], np.float32)) / np.float32(scale)):
        square = place_square(box, landmarks)
        crops[i] = crop_face(pixels, square, landmarks)
        left, top = x + scale * square.left, y + scale * square.top
        squares.append(Square(left, top, scale * square.side))
    for lying in np.flatnonzero(turns):
        crops[lying] = np.rot90(crops[lying], turns[lying], (1, 2))
    return squares, crops


def crop_face(pixels: Pixels, square: Square, landmarks: LandmarkSet) -> NDArray[np.uint8]:
    """Cut a square out of `[H,W,3]` RGB or `[H,W]` grey, as the network takes it: `[C,S,S]`.

    Beyond the picture stand its border's pixels, or black.
    """
    side = landmarks.side
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(square.top, square.top + square.side), 0, height - 1)
    columns = np.clip(np.arange(square.left, square.left + square.side), 0, width - 1)
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    patch: NDArray = np.ascontiguousarray(pixels[y0:y1, x0:x1])
    if patch.ndim == 3 and landmarks.color == "grey":
        patch = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    if patch.shape[:2] != (square.side, square.side):
        step = 1 if square.side <= LARGE else square.side // (LARGE // 2)
        if step > 1:  # or a face beyond the borders could need much more memory than its picture
            size = (-(-patch.shape[1] // step), -(-patch.shape[0] // step))
            patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
        patch = patch[(rows[::step] - y0)[:, None] // step, (columns[::step] - x0) // step]
        if landmarks.border == "black":
            own_rows = np.arange(square.top, square.top + square.side)[::step]
            own_columns = np.arange(square.left, square.left + square.side)[::step]
            patch[(own_rows < 0) | (own_rows >= height)] = 0
            patch[:, (own_columns < 0) | (own_columns >= width)] = 0
    # Area averages, so that fine detail does not alias, as the networks were trained on 4/3 of the
    # side. Below that they blur: on Helen the points lie 1 to 2 % nearer by cubic.
    how = cv2.INTER_AREA if 3 * square.side >= 4 * side else cv2.INTER_CUBIC
    crop = cv2.resize(patch, (side, side), interpolation=how).astype(np.uint8)
    if crop.ndim == 2:
        return np.broadcast_to(crop, (landmarks.channels, side, side))
    return crop.transpose(2, 0, 1)


def map_to_crop(square: Square, side: int) -> Floats:
    """Make the affine `[2,3]` from pixels of the picture to pixels of an upright crop."""
    scale = side / square.side
    shift = [(0.5 - start) * scale - 0.5 for start in (square.left, square.top)]
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)


def fit_similarity(start: NDArray, end: NDArray) -> tuple[NDArray, NDArray]:
    """Fit the similarities that move points onto others, both x + iy `[...,K]`, by least squares.

    Gives for each a factor, scale and rotation, and a shift: end = factor * start + shift. They are
    Umeyama's, and never mirror; the factor is 0 where the first points are all in one place.
    """
    middle, goal = start.mean(axis=-1), end.mean(axis=-1)
    off = start - middle[..., None]
    size = np.maximum((np.abs(off) ** 2).sum(axis=-1), LEAST_SPREAD)
    factor = (off.conj() * (end - goal[..., None])).sum(axis=-1) / size
    return factor, goal - factor * middle


def to_picture(landmarks: Floats, squares: list[Square], side: int) -> Floats:
    """Map points `[F,K,2]` from pixels of the crops, `side` wide, to pixels of their pictures.

    Both frames have (0, 0) in the centre of the top-left pixel, hence the halves.
    """
    scale = np.array([s.side / side for s in squares], np.float32)[:, None, None]
    origin = np.array([(s.left, s.top) for s in squares], np.float32)[:, None, :]  # [F, 1, 2]
    return (landmarks + 0.5) * scale - 0.5 + origin
