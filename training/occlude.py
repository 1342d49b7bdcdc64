"""Draw things in front of a face, in place on grey `[H,W]` 0..1: hands, masks, hair and such.

None is a photograph: what counts is that the network sees half a face often, with edges
and tones like those of real things, and learns to place what is hidden by what is not.
Points `[15,2]` are pixels of the picture; with an unknown one among those needed,
nothing is drawn.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from training.faces import Floats

SHIFT = 4  # fractional bits of OpenCV's coordinates


def occlude_face(grey: Floats, points: Floats, rng: Generator) -> None:
    """Draw one thing in front of a face."""
    draw: Callable = DRAWERS[rng.choice(len(DRAWERS), p=CHANCES)]
    if np.isfinite(points).all():
        draw(grey, points, rng)


def find_frame(points: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Find the face's frame: eyes' middle, mouth's middle, unit to its left, eye corners apart."""
    eyes, mouth = points[[3, 5]].mean(0), points[[11, 12]].mean(0)
    across = points[3] - points[5]
    apart = float(np.linalg.norm(across)) + 1e-6
    return eyes, mouth, across / apart, apart


def draw_hand(grey: Floats, points: Floats, rng: Generator) -> None:
    """Draw fingers of the skin's tone that reach into the face from the side or from below."""
    eyes, mouth, _, apart = find_frame(points)
    tone = take_tone(grey, (eyes + mouth) / 2) * rng.uniform(0.7, 1.25)
    tip = points[rng.choice([0, 1, 10, 11, 12, 13, 14])] + rng.normal(0, 0.1 * apart, 2)
    angle = rng.uniform(0.05, 0.95) * np.pi  # from below, or nearly from a side
    back = np.array([np.cos(angle), np.sin(angle)])
    along = np.array([-back[1], back[0]])
    wide = apart * rng.uniform(0.13, 0.2)  # of a finger
    count = int(rng.integers(2, 5))
    for i in range(count):
        start = tip + along * wide * 1.05 * (i - (count - 1) / 2)
        start = start + back * apart * rng.uniform(0, 0.15)
        end = start + back * apart * rng.uniform(0.6, 0.9) + rng.normal(0, 0.03 * apart, 2)
        for size, light in ((1.15, 0.55), (1.0, 0.9), (0.55, 1.0)):  # rim, side, ridge
            draw_line(grey, start, end, wide * size, tone * light)
    if rng.random() < 0.7:
        palm = tip + back * apart * rng.uniform(0.9, 1.1)
        axes = (2 * apart * 0.45, 2 * apart * 0.35)
        box = tuple(map(float, palm)), axes, float(np.degrees(angle))
        cv2.ellipse(grey, box, float(tone * 0.95), -1, cv2.LINE_AA)


def draw_mask(grey: Floats, points: Floats, rng: Generator) -> None:
    """Draw a cloth over nose, mouth and chin."""
    eyes, mouth, _, _ = find_frame(points)
    down = mouth - eyes
    top, nose = rng.uniform(0.25, 0.85), points[10]
    outline = np.array(
        [
            eyes + top * (nose - eyes),
            points[3] + down * rng.uniform(0.3, 0.6),
            points[3] * 0.85 + eyes * 0.15 + down * rng.uniform(0.9, 1.2),
            mouth + down * rng.uniform(0.45, 0.7),
            points[5] * 0.85 + eyes * 0.15 + down * rng.uniform(0.9, 1.2),
            points[5] + down * rng.uniform(0.3, 0.6),
        ]
    )
    if rng.random() < 0.25:  # pulled below the nose
        outline[0] = nose + 0.25 * (mouth - nose)
    y = np.linspace(1, rng.uniform(0.6, 0.95), len(grey))[:, None]
    fill_soft(grey, outline, rng.choice([rng.uniform(0.05, 0.4), rng.uniform(0.6, 1)]) * y)
    for share in rng.uniform(0.2, 0.9, rng.integers(0, 4)):  # folds
        a, b = (outline[i] + share * (outline[j] - outline[i]) for i, j in ((1, 2), (5, 4)))
        draw_line(grey, a, b, 1, float(np.clip(grey.mean() * rng.uniform(0.5, 1.3), 0, 1)))


def draw_microphone(grey: Floats, points: Floats, rng: Generator) -> None:
    """Draw a ball on a stick before the mouth."""
    _, mouth, across, apart = find_frame(points)
    down = np.array([-across[1], across[0]])
    ball = mouth + (across * rng.normal(0, 0.3) + down * rng.uniform(0, 0.4)) * apart
    radius, tone = apart * rng.uniform(0.1, 0.25), rng.uniform(0, 0.45)
    end = ball + (down + across * rng.normal(0, 0.6)) * 2 * apart
    draw_line(grey, ball, end, radius * rng.uniform(0.5, 1.3), tone * rng.uniform(0.6, 1.5))
    circle = 16 * ball + 0.5, 16 * radius
    at = tuple(int(v) for v in circle[0])
    cv2.circle(grey, at, int(circle[1]), float(tone), -1, cv2.LINE_AA, SHIFT)
    shine = tuple(int(v) for v in circle[0] - 16 * 0.3 * radius)
    cv2.circle(grey, shine, int(circle[1] * 0.4), float(tone + 0.2), -1, cv2.LINE_AA, SHIFT)


def draw_hair(grey: Floats, points: Floats, rng: Generator) -> None:
    """Draw strands that fall over a brow, an eye or a cheek."""
    eyes, mouth, across, apart = find_frame(points)
    down = (mouth - eyes) / (np.linalg.norm(mouth - eyes) + 1e-6)
    side = rng.choice((-1.0, 1.0))
    root = (
        eyes - down * apart * rng.uniform(0.7, 1.0) + across * side * apart * rng.uniform(-0.2, 0.4)
    )
    end = (
        eyes + down * apart * rng.uniform(-0.1, 1.1) + across * side * apart * rng.uniform(0.3, 0.8)
    )
    bend = (root + end) / 2 + across * side * apart * rng.uniform(-0.1, 0.4)
    tone, t = rng.uniform(0, 0.8), np.linspace(0, 1, 8)[:, None]
    for _ in range(rng.integers(8, 40)):
        a, b, c = (p + rng.normal(0, 0.09 * apart, 2) for p in (root, bend, end))
        curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c
        fixed = [np.round(curve * 16).astype(np.int32)]
        shade, thick = float(np.clip(tone + rng.normal(0, 0.08), 0, 1)), int(rng.integers(1, 3))
        cv2.polylines(grey, fixed, False, shade, thick, cv2.LINE_AA, SHIFT)


def draw_sunglasses(grey: Floats, points: Floats, rng: Generator) -> None:
    """Draw two dark glasses, a bridge and an arm to each side."""
    _, _, across, apart = find_frame(points)
    down = np.array([-across[1], across[0]])
    tone = float(rng.uniform(0, 0.25))
    high, drop = apart * rng.uniform(0.12, 0.22), down * apart * rng.uniform(0, 0.08)
    for eye, inner, outer in ((0, 2, 3), (1, 4, 5)):
        wide = float(np.linalg.norm(points[outer] - points[inner])) * rng.uniform(0.75, 1.0)
        angle = np.degrees(np.arctan2(across[1], across[0]))
        box = tuple(map(float, points[eye] + drop)), (2 * wide, 2 * high), float(angle)
        cv2.ellipse(grey, box, tone, -1, cv2.LINE_AA)
        away = (points[outer] - points[inner]) * 0.8
        draw_line(grey, points[outer], points[outer] + away, 2, tone)
    draw_line(grey, points[2], points[4], 2, tone)


def take_tone(grey: Floats, at: Floats) -> float:
    """Take the median tone about a point."""
    x, y = (int(np.clip(v, 8, side - 9)) for v, side in zip(at, grey.shape[::-1], strict=True))
    return float(np.median(grey[y - 8 : y + 9, x - 8 : x + 9]))


def draw_line(grey: Floats, start: Floats, end: Floats, width: float, tone: float) -> None:
    """Draw a line with round ends."""
    a, b = (tuple(int(v) for v in np.round(16 * p)) for p in (start, end))
    cv2.line(grey, a, b, float(np.clip(tone, 0, 1)), max(round(width), 1), cv2.LINE_AA, SHIFT)


def fill_soft(grey: Floats, outline: Floats, tone: Floats) -> None:
    """Fill an outline `[M,2]` with a tone that broadcasts to the picture, its edge smooth."""
    mask = np.zeros(grey.shape, np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, SHIFT)
    share = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.6)
    grey += share * (tone - grey)


DRAWERS = (draw_hand, draw_mask, draw_microphone, draw_hair, draw_sunglasses)
CHANCES = (0.4, 0.15, 0.15, 0.2, 0.1)
