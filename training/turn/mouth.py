"""Open a mouth by its mesh: the jaw drops, the lower lip and the chin with it."""

import cv2
import numpy as np

from training import Bytes, Floats

# The lips' rims from the subject's right corner to the left one, over the face's middle.
UPPER = (
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
)
LOWER = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
)
INNER_UPPER, INNER_LOWER = UPPER[1], LOWER[1]
CORNERS = (61, 291)
CHIN = 152
CORNER = 0.35  # how far the corners go down, as a share of the lower lip's way
NARROW = 0.12  # how far they come in, as a share of the lower lip's way
FALL = 0.35  # mouth widths below the lip over which the skin's share grows to all


def drop_jaw(mesh: Floats, jaw: float) -> Floats:
    """Move the mesh `[478,3]` as a jaw does that drops by `jaw` of the height above the chin.

    The height is from the middle of the mouth's corners to the chin.
    """
    right, left = mesh[CORNERS[0]], mesh[CORNERS[1]]
    middle, across = (right + left) / 2, left - right
    width = np.linalg.norm(across[:2])
    across = across / np.linalg.norm(across)
    down = mesh[CHIN] - middle
    down = down - (down @ across) * across
    height = np.linalg.norm(down)
    share = share_drop(mesh, middle, across * width, down / height)
    moved = mesh + share[:, None] * jaw * down
    for corner, way in zip(CORNERS, (across, -across), strict=True):
        near = np.exp(-((np.linalg.norm(mesh - mesh[corner], axis=1) / (0.3 * width)) ** 2))
        moved += near[:, None] * way * NARROW * jaw * height
    return moved


def share_drop(mesh: Floats, middle: Floats, across: Floats, down: Floats) -> Floats:
    """Share the drop among vertices: `[478]`, 0 above the mouth, 1 at the lower lip and chin."""
    width = np.linalg.norm(across)
    x = (mesh - middle) @ across / width / width  # mouth widths from the middle
    y = (mesh - middle) @ down / width
    side = np.exp(-((np.abs(x) / 1.15) ** 4))  # flat over the mouth, little at the ears
    share = side * np.clip(y / FALL, 0, 1)
    for rims, bottom in ((UPPER, False), (LOWER, True)):
        for rim in rims:
            reach = np.abs(np.linspace(-1, 1, len(rim)))  # 1 at the corners
            share[list(rim)] = 1 - (1 - CORNER) * reach**3 if bottom else CORNER * reach**4
    return share


def fill_mouth(picture: Bytes, mesh: Floats, light: float) -> Bytes:
    """Fill the hole between the lips' inner rims of a moved mesh with dark and teeth."""
    rim = np.concatenate([mesh[list(INNER_UPPER), :2], mesh[list(INNER_LOWER[::-1]), :2]])
    hole = fill_outline(picture.shape, rim)  # [S, S], 0..1
    upper = mesh[list(INNER_UPPER), :2]
    gap = np.linalg.norm(mesh[13, :2] - mesh[14, :2])
    width = np.linalg.norm(upper[0] - upper[-1])
    down = (mesh[14, :2] - mesh[13, :2]) / max(gap, 1e-6)
    tall = min(0.45 * gap, 0.16 * width)  # of the upper teeth
    teeth = fill_outline(picture.shape, np.concatenate([upper, (upper + tall * down)[::-1]]))
    dark = np.array([70, 30, 28], np.float32) * min(light * 1.6, 1)  # RGB
    white = np.array([225, 215, 200], np.float32) * min(light * 1.6, 1)
    inside = dark + cv2.GaussianBlur(teeth, (0, 0), 0.8)[..., None] * (white - dark)
    soft = cv2.GaussianBlur(hole, (0, 0), 0.7)[..., None]
    return (picture + soft * (inside - picture) + 0.5).astype(np.uint8)


def fill_outline(shape: tuple[int, ...], outline: Floats) -> Floats:
    """Fill an outline `[M,2]`: `[S,S]`, 1 inside and 0 outside, smooth at the edge."""
    mask = np.zeros(shape[:2], np.uint8)
    fixed = np.round(outline * 16).astype(np.int32)  # 4 fractional bits
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255
