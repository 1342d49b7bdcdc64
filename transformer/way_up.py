"""Find which way up a picture is, in quarter turns: some come on their side.

A detector that finds nothing, or nothing sure, looks at the picture turned. Turns are
counter-clockwise, as numpy.rot90 counts them. Single faces: transformer/second_look.py.
"""

import cv2
import numpy as np

from transformer.crop import Floats
from transformer.detectors.base import Detector
from transformer.picture import Pixels

TURNS = (1, 2, 3)
# Best scores of a picture from which on its faces are upright. Of 20 portraits YuNet gave the
# upright ones 0.92 and more, those on their side 0.73 and upside down 0.86 (medians).
SURE = {"yunet": 0.9, "centerface": 0.6}
GAIN = 0.05  # by how much the turned look must be better


def find_way_up(detector: Detector, pixels: Pixels) -> tuple[Floats, Floats, int]:
    """Find the faces of a picture `[H,W,3]` in the way up that shows them best.

    Gives boxes `[F,4]` in the picture's own pixels, scores `[F]`, and by how many quarters
    it must be turned to be upright.
    """
    boxes, scores = detector.detect(pixels)
    best = float(scores[0]) if len(scores) else 0.0
    if best >= SURE.get(detector.name, 0.9):
        return boxes, scores, 0
    turn = choose_way_up(detector, pixels, best)
    if turn:
        turned = detector.detect(np.ascontiguousarray(np.rot90(pixels, turn)))
        if len(turned[1]) and turned[1][0] > best + GAIN:
            height, width = pixels.shape[:2]
            return turn_boxes_back(turned[0], turn, width, height), turned[1], turn
    return boxes, scores, 0


def choose_way_up(detector: Detector, pixels: Pixels, best: float) -> int:
    """Choose the quarter turn that shows the surest face, 0 where none beats `best`.

    Where some face was found, half the size tells: the looks then cost a quarter each.
    """
    height, width = pixels.shape[:2]
    if best:
        size = max(width // 2, 1), max(height // 2, 1)
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    seen = {0: best}
    for turn in TURNS:
        _, scores = detector.detect(np.ascontiguousarray(np.rot90(pixels, turn)))
        seen[turn] = float(scores[0]) if len(scores) else 0.0
    return max(seen, key=lambda turn: seen[turn])


def turn_boxes_back(boxes: Floats, turn: int, width: int, height: int) -> Floats:
    """Turn boxes `[F,4]` of a turned picture into those of the picture, `width` by `height`."""
    corners = boxes.reshape(-1, 2)  # [2F, 2]
    x, y = corners[:, 0], corners[:, 1]
    back = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[turn]
    pairs = np.stack(back, axis=1).reshape(-1, 2, 2)
    return np.concatenate([pairs.min(1), pairs.max(1)], axis=1).astype(np.float32)
