"""Turn heatmaps into sub-pixel landmarks and scores, with NumPy alone.

The heatmap of a landmark is close to a Gaussian, so its logarithm is close to a
quadratic: one Newton step from the highest pixel lands on its top (DARK, Zhang et
al. 2020, arXiv:1910.06278; the best of nine decoders tried on this network).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIGMA = 1.2  # pixels; the width of the Gaussians that the network was trained on
WINDOW = 3  # pixels to each side of the peak that count as the landmark's own
CHUNK = 5  # maps of 96x96 that fit the second-level cache with room to spare


def decode_heatmaps(
    heatmaps: Floats, logits: bool = True, mass: Floats | None = None
) -> tuple[Floats, Floats]:
    """Find each heatmap's peak: `[N,K,H,W]` -> landmarks `[N,K,2]` and scores `[N,K]`.

    Landmarks are (x right, y down) in pixels of the heatmap, the centre of the
    top-left pixel being (0, 0). Scores are in 0..1: for `logits` the share of the
    softmax that lies within WINDOW of the peak, else the height of the peak. `mass`
    [N*K] is each map's sum of exp(logit - peak), where the engine has it already.
    """
    n, k, h, w = heatmaps.shape
    maps = np.ascontiguousarray(heatmaps, np.float32).reshape(n * k, h, w)  # [M, H, W]
    rows = np.arange(n * k)
    y, x = np.divmod(maps.reshape(n * k, h * w).argmax(axis=1), w)  # [M], [M]
    points = np.stack([x, y], axis=1).astype(np.float32)  # [M, 2]

    yc, xc = np.clip(y, 1, h - 2), np.clip(x, 1, w - 2)
    reach = np.arange(-1, 2)
    patch = maps[rows[:, None, None], yc[:, None, None] + reach[:, None], xc[:, None, None] + reach]
    if not logits:
        patch = np.log(np.maximum(patch, 1e-6))
    inner = (y == yc) & (x == xc)  # a peak on the border has no neighbours to fit
    points += np.where(inner[:, None], newton_step(patch), 0)

    scores = sum_window(maps, y, x, mass) if logits else maps[rows, y, x]
    return points.reshape(n, k, 2), np.clip(scores, 0, 1).astype(np.float32).reshape(n, k)


def newton_step(patch: Floats) -> Floats:
    """Step from the middle of `[M,3,3]` log-heatmaps to their top: `[M,2]` as (dx, dy).

    The step is 0 where the patch has no top, and never longer than a pixel an axis.
    """
    dx = (patch[:, 1, 2] - patch[:, 1, 0]) / 2
    dy = (patch[:, 2, 1] - patch[:, 0, 1]) / 2
    dxx = patch[:, 1, 2] - 2 * patch[:, 1, 1] + patch[:, 1, 0]
    dyy = patch[:, 2, 1] - 2 * patch[:, 1, 1] + patch[:, 0, 1]
    dxy = (patch[:, 2, 2] - patch[:, 2, 0] - patch[:, 0, 2] + patch[:, 0, 0]) / 4
    det = dxx * dyy - dxy * dxy
    top = (det > 1e-9) & (dxx < 0)
    det = np.where(top, det, 1)
    step = np.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], axis=1) / det[:, None]
    return np.where(top[:, None], np.clip(step, -1, 1), 0).astype(np.float32)


def sum_window(
    maps: Floats, y: NDArray[np.intp], x: NDArray[np.intp], mass: Floats | None = None
) -> Floats:
    """Sum the softmax of `[M,H,W]` logits within WINDOW of the pixels (y, x): `[M]`."""
    m, h, w = maps.shape
    reach = np.arange(-WINDOW, WINDOW + 1)
    ys, xs = y[:, None, None] + reach[:, None], x[:, None, None] + reach
    inside = (ys >= 0) & (ys < h) & (xs >= 0) & (xs < w)  # [M, 7, 7]
    rows = np.arange(m)
    peaks = maps[rows, y, x]  # [M]
    near = maps[rows[:, None, None], ys.clip(0, h - 1), xs.clip(0, w - 1)] - peaks[:, None, None]
    window = np.where(inside, np.exp(near), 0).sum(axis=(1, 2))
    return window / (sum_mass(maps.reshape(m, h * w), peaks) if mass is None else mass)


def sum_mass(maps: Floats, peaks: Floats) -> Floats:
    """Sum exp(logit - peak) over each of `[M,H*W]` maps: `[M]`.

    A few maps at a time through one buffer: temporaries of a whole batch would leave the
    cache, and the kernel would clear their pages at every call.
    """
    mass = np.empty(len(maps), np.float32)
    buffer = np.empty((CHUNK, maps.shape[1]), np.float32)
    for i in range(0, len(maps), CHUNK):
        part = maps[i : i + CHUNK]
        rest = buffer[: len(part)]
        np.subtract(part, peaks[i : i + CHUNK, None], out=rest)
        np.exp(rest, out=rest).sum(axis=1, out=mass[i : i + CHUNK])
    return mass
