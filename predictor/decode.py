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
REACH = np.arange(-WINDOW, WINDOW + 1)
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
    maps = np.ascontiguousarray(heatmaps, np.float32).reshape(n * k, h * w)  # [M, H*W]
    y, x = np.divmod(maps.argmax(axis=1), w)  # [M], [M]
    near, inside = cut_windows(maps, (h, w), y, x)  # [M, 7, 7], [M, 7, 7]
    peaks = near[:, WINDOW, WINDOW]  # [M]

    patch = near[:, WINDOW - 1 : WINDOW + 2, WINDOW - 1 : WINDOW + 2]  # [M, 3, 3]
    if not logits:
        patch = np.log(np.maximum(patch, 1e-6))
    points = np.stack([x, y], axis=1).astype(np.float32)  # [M, 2]
    # A peak on the border has no neighbours to fit.
    points += newton_step(patch) * ((x > 0) & (x < w - 1) & (y > 0) & (y < h - 1))[:, None]

    scores = peaks
    if logits:
        window = (np.exp(near - peaks[:, None, None]) * inside).sum(axis=(1, 2))
        scores = window / (sum_mass(maps, peaks) if mass is None else mass)
    return points.reshape(n, k, 2), scores.clip(0, 1).reshape(n, k)


def cut_windows(
    maps: Floats, size: tuple[int, int], y: NDArray[np.intp], x: NDArray[np.intp]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Cut `[M,7,7]` around the pixels (y, x) out of `[M,H*W]` maps, and tell what lies inside.

    Beyond the border stand values of the border.
    """
    h, w = size
    ys, xs = y[:, None] + REACH, x[:, None] + REACH  # [M, 7], [M, 7]
    rows = np.minimum(np.maximum(ys, 0), h - 1)  # np.clip takes longer for so few
    columns = np.minimum(np.maximum(xs, 0), w - 1)
    first = np.arange(0, maps.size, h * w)[:, None]
    near = maps.ravel().take((first + rows * w)[:, :, None] + columns[:, None, :])
    return near, (ys == rows)[:, :, None] & (xs == columns)[:, None, :]


def newton_step(patch: Floats) -> Floats:
    """Step from the middle of `[M,3,3]` log-heatmaps to their top: `[M,2]` as (dx, dy).

    The step is 0 where the patch has no top, and never longer than a pixel an axis.
    """
    left, right = patch[:, 1, 0], patch[:, 1, 2]
    above, below = patch[:, 0, 1], patch[:, 2, 1]
    twice = 2 * patch[:, 1, 1]
    dx, dy = (right - left) / 2, (below - above) / 2
    dxx, dyy = right + left - twice, below + above - twice
    dxy = (patch[:, 2, 2] - patch[:, 2, 0] - patch[:, 0, 2] + patch[:, 0, 0]) / 4
    det = dxx * dyy - dxy * dxy
    det[(det <= 1e-9) | (dxx >= 0)] = np.inf  # no top
    step = np.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], axis=1) / det[:, None]
    return np.minimum(np.maximum(step, -1), 1)


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
        np.exp(rest, out=rest)
        np.einsum("mp->m", rest, out=mass[i : i + CHUNK])  # a third of the time of sum()
    return mass
