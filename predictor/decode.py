"""Turn heatmaps into sub-pixel landmarks and scores, with NumPy alone.

The heatmap of a landmark is close to a Gaussian, so its logarithm is close to a
quadratic: one Newton step from the highest pixel lands on its top (DARK, Zhang et
al. 2020, arXiv:1910.06278; the best of nine decoders tried on this network).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WINDOW = 3  # pixels to each side of the peak that count as the landmark's own
REACH = np.arange(-WINDOW, WINDOW + 1)
CHUNK = 5  # maps of 96x96 that fit the second-level cache with room to spare


@dataclass(frozen=True, slots=True)
class Reader:
    """How points and scores are read off what a network gives."""

    kind: Literal["heatmaps", "coordinates"] = "heatmaps"
    values: Literal["logits", "heights", "probabilities"] = "logits"
    read: Literal["peak", "soft-argmax"] = "peak"
    unit: Literal["pixels", "relative", "signed"] = "pixels"

    def read_points(self, values: Floats, size: tuple[int, int]) -> tuple[Floats, Floats]:
        """Read heatmaps `[N,K,h,w]` or coordinates `[N,K,2|3]`: points `[N,K,2]`, scores `[N,K]`.

        Points are in pixels of the network's face, whose height and width are `size`; a
        coordinate's third number is its score.
        """
        if self.kind == "coordinates":
            return read_coordinates(values, self.unit, size)
        if self.read == "peak":
            points, scores = decode_heatmaps(values, self.values)
        else:
            points, scores = decode_means(values, self.values)
        return spread_points(points, values.shape[2:], size), scores


def read_coordinates(values: Floats, unit: str, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Bring coordinates `[N,K,2|3]` to pixels of the face: points `[N,K,2]`, scores `[N,K]`.

    A network without scores is taken at its word: 1.
    """
    points = np.array(values[..., :2], np.float32)
    if unit == "signed":
        points = (points + np.float32(1)) / np.float32(2)
    if unit != "pixels":
        points = points * np.array(size[::-1], np.float32)
    has_scores = values.shape[2] == 3
    scores = values[..., 2] if has_scores else np.ones(values.shape[:2], np.float32)
    return points, np.asarray(scores, np.float32).clip(0, 1)


def spread_points(points: Floats, maps: tuple[int, ...], size: tuple[int, int]) -> Floats:
    """Map points `[N,K,2]` from pixels of the heatmaps to those of the face, cell by cell."""
    if maps == size:
        return points
    stride = np.array([size[1] / maps[1], size[0] / maps[0]], np.float32)
    return (points + 0.5) * stride - 0.5


def decode_means(heatmaps: Floats, values: str) -> tuple[Floats, Floats]:
    """Find each heatmap's mean position: `[N,K,H,W]` -> landmarks `[N,K,2]`, scores `[N,K]`.

    The score is the share of the map's mass within WINDOW of that position (soft-argmax).
    """
    n, k, h, w = heatmaps.shape
    maps = np.ascontiguousarray(heatmaps, np.float32).reshape(n * k, h * w)  # [M, H*W]
    if values == "logits":
        mass = np.exp(maps - maps.max(axis=1, keepdims=True))
    else:
        mass = maps.clip(0, None)
    total = np.maximum(mass.sum(axis=1), 1e-12)  # [M]
    by_row = mass.reshape(n * k, h, w)
    x = by_row.sum(axis=1) @ np.arange(w, dtype=np.float32) / total
    y = by_row.sum(axis=2) @ np.arange(h, dtype=np.float32) / total
    row, column = np.rint(y).astype(np.intp), np.rint(x).astype(np.intp)
    near, inside = cut_windows(mass, (h, w), row, column)  # [M, 7, 7]
    scores = (near * inside).sum(axis=(1, 2)) / total
    points = np.stack([x, y], axis=1).astype(np.float32)
    return points.reshape(n, k, 2), scores.clip(0, 1).reshape(n, k).astype(np.float32)


def decode_heatmaps(heatmaps: Floats, values: str = "logits") -> tuple[Floats, Floats]:
    """Find each heatmap's peak: `[N,K,H,W]` -> landmarks `[N,K,2]` and scores `[N,K]`.

    Landmarks are (x right, y down) in pixels of the heatmap, the centre of the
    top-left pixel being (0, 0). Scores are in 0..1: of `logits` the share of the softmax,
    of `probabilities` that of the map, within WINDOW of the peak; of `heights` the peak's.
    """
    n, k, h, w = heatmaps.shape
    maps = np.ascontiguousarray(heatmaps, np.float32).reshape(n * k, h * w)  # [M, H*W]
    y, x = np.divmod(maps.argmax(axis=1), w)  # [M], [M]
    near, inside = cut_windows(maps, (h, w), y, x)  # [M, 7, 7], [M, 7, 7]
    peaks = near[:, WINDOW, WINDOW]  # [M]

    patch = near[:, WINDOW - 1 : WINDOW + 2, WINDOW - 1 : WINDOW + 2]  # [M, 3, 3]
    if values != "logits":
        patch = np.log(np.maximum(patch, 1e-6))
    points = np.stack([x, y], axis=1).astype(np.float32)  # [M, 2]
    # A peak on the border has no neighbours to fit.
    points += newton_step(patch) * ((x > 0) & (x < w - 1) & (y > 0) & (y < h - 1))[:, None]

    scores = peaks
    if values == "logits":
        window = (np.exp(near - peaks[:, None, None]) * inside).sum(axis=(1, 2))
        scores = window / sum_mass(maps, peaks)
    elif values == "probabilities":
        scores = (near * inside).sum(axis=(1, 2))
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
