"""Change how a warped face looks without moving a pixel: light, lens, noise, things in front."""

from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training import Bytes, Floats


def dress_picture(picture: Bytes, rng: Generator) -> Bytes:
    """Change what is there: grey `[H,W]` of RGB `[H,W,3]`, and its background."""
    grey = mix_grey(picture, rng)  # [H, W], 0..1
    if rng.random() < 0.15:
        grey = change_background(grey, rng)
    return to_bytes(grey)


def degrade_faces(
    clean: Bytes, points: Floats, rng: Generator, calm: float = 0
) -> tuple[Bytes, NDArray[np.bool_]]:
    """Degrade grey faces `[N,S,S]`; tell which `[N,K]` of their points `[N,K,2]` are hidden.

    A share `calm` of them gets no more than a little noise.
    """
    made, hidden = zip(*(degrade_picture(picture, rng, calm) for picture in clean), strict=True)
    x, y = np.nan_to_num(points).round().astype(int).clip(0, clean.shape[1] - 1).T  # [K, N]
    return np.stack(made), np.stack(hidden)[np.arange(len(clean)), y, x].T


def degrade_picture(
    picture: Bytes, rng: Generator, calm: float = 0
) -> tuple[Bytes, NDArray[np.bool_]]:
    """Change how grey `[H,W]` was taken: its end, things in front, light, lens and noise.

    Also tells which pixels `[H,W]` show nothing of the face.
    """
    hidden = np.zeros(picture.shape, bool)
    if rng.random() < calm:
        return to_bytes(add_noise(picture.astype(np.float32) / 255, 0.02, rng)), hidden
    grey = shade(picture.astype(np.float32) / 255, rng)
    if rng.random() < 0.12:
        cut_off(grey, hidden, rng)
    if rng.random() < 0.35:
        draw_rectangles(grey, hidden, rng)
    if rng.random() < 0.08:  # too little light; the noise below then weighs more
        grey *= np.float32(rng.uniform(0.18, 0.5))
    return to_bytes(add_noise(lose_detail(grey, rng), 0.04, rng)), hidden


def add_noise(grey: Floats, most: float, rng: Generator) -> Floats:
    """Add noise to half of the pictures."""
    if rng.random() < 0.5:
        return grey
    return grey + rng.normal(0, rng.uniform(0, most), grey.shape).astype(np.float32)


def to_bytes(grey: Floats) -> Bytes:
    """Round grey 0..1 to bytes."""
    return (np.clip(grey, 0, 1) * 255 + 0.5).astype(np.uint8)


def mix_grey(picture: Bytes, rng: Generator) -> Floats:
    """Mix RGB `[H,W,3]` to grey 0..1 `[H,W]`: ITU-R 601 half the time, else random shares."""
    share = rng.dirichlet([1.5, 2.5, 1.0]) if rng.random() < 0.5 else (0.299, 0.587, 0.114)
    return picture.astype(np.float32) @ np.array(share, np.float32) / 255


def shade(grey: Floats, rng: Generator) -> Floats:
    """Change gamma and contrast and lay a linear shadow across."""
    h, w = grey.shape
    grey = np.clip(grey, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.35)))
    angle, depth = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.3)
    ramp = np.linspace(-1, 1, w) * np.cos(angle) + np.linspace(-1, 1, h)[:, None] * np.sin(angle)
    gain = np.exp(depth * ramp + rng.normal(0, 0.15))
    if rng.random() < 0.5:
        contrast = rng.uniform(0.4, 1.3)
        grey = (grey - 0.5) * np.float32(contrast) + np.float32(0.5 + rng.normal(0, 0.1))
    return (grey * gain).astype(np.float32)


def lose_detail(grey: Floats, rng: Generator) -> Floats:
    """Blur some pictures, shrink and enlarge others, as small or moving faces are."""
    h, w = grey.shape
    kind = rng.random()
    if kind < 0.2:
        return cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.3, 1.5))
    if kind < 0.5:
        side = max(int(h * rng.uniform(0.33, 0.84)), 1)
        small = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
        how = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
        return cv2.resize(small, (w, h), interpolation=how)
    if kind < 0.57:
        return move_camera(grey, rng)
    if kind < 0.64:  # JPEG's blocks
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 60))]
        coded = cv2.imencode(".jpg", to_bytes(grey), quality)[1]
        decoded: Any = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
        return decoded.astype(np.float32) / 255
    return grey


def move_camera(grey: Floats, rng: Generator) -> Floats:
    """Blur along a line of 3 to 9 pixels, as a moving camera or face does."""
    length, angle = int(rng.integers(3, 10)), rng.uniform(0, np.pi)
    kernel, middle = np.zeros((9, 9), np.float32), 4
    away = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    start, end = (tuple(round(16 * float(v)) for v in middle + s * away) for s in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
    kernel += kernel[::-1, ::-1]  # about its middle: no point may move
    return cv2.filter2D(grey, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def cut_off(grey: Floats, hidden: NDArray[np.bool_], rng: Generator) -> None:
    """End the picture on one side of the face: its last pixels repeat beyond, in place."""
    turns = int(rng.integers(4))
    picture, mask = np.rot90(grey, turns), np.rot90(hidden, turns)  # views
    end = int(len(picture) * rng.uniform(0.55, 0.95))
    picture[end:], mask[end:] = picture[end - 1], True


def draw_rectangles(grey: Floats, hidden: NDArray[np.bool_], rng: Generator) -> None:
    """Hide one or two rectangles of up to 0.4 of the side behind flat grey or noise, in place."""
    h, w = grey.shape
    for _ in range(rng.integers(1, 3)):
        b, a = rng.integers(h // 12, max(h // 12 + 1, 2 * h // 5), 2)
        y, x = rng.integers(-a // 2, h - a // 2), rng.integers(-b // 2, w - b // 2)
        place = slice(max(y, 0), y + a), slice(max(x, 0), x + b)
        rough = rng.normal(0, 0.2, grey[place].shape) if rng.random() < 0.4 else 0
        grey[place], hidden[place] = rng.random() + rough, True


def change_background(grey: Floats, rng: Generator) -> Floats:
    """Fade what lies outside an oval in the middle into smooth random texture."""
    h, w = grey.shape
    knots = rng.uniform(0, 1, (rng.integers(2, 12),) * 2).astype(np.float32)
    texture = cv2.resize(knots, (w, h), interpolation=cv2.INTER_CUBIC)
    x = (np.arange(w) - (w - 1) / 2)[None, :] / (w * rng.uniform(0.46, 0.56))
    y = (np.arange(h) - (h - 1) / 2)[:, None] / (h * rng.uniform(0.54, 0.64))
    share = np.clip((np.hypot(x, y) - 1) * 6 + 0.5, 0, 1).astype(np.float32)
    return grey + share * (texture - grey)
