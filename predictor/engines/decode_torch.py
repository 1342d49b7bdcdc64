"""predictor.decode in torch, for a device whose heatmaps should not leave it."""

import torch
from torch import Tensor

from predictor.decode import WINDOW


def decode_tensor(heatmaps: Tensor, logits: bool = True) -> tuple[Tensor, Tensor]:
    """Find each heatmap's peak: `[N,K,H,W]` -> landmarks `[N,K,2]` and scores `[N,K]`.

    The same numbers as predictor.decode.decode_heatmaps, with no branch on values, so
    that a CUDA graph can hold it.
    """
    n, k, h, w = heatmaps.shape
    flat = heatmaps.reshape(n, k, h * w)
    peak, index = flat.max(dim=2)  # [N, K]
    y, x = index // w, index % w
    yc, xc = y.clamp(1, h - 2), x.clamp(1, w - 2)
    reach = torch.arange(-1, 2, device=heatmaps.device)
    near = (yc[..., None, None] + reach[:, None]) * w + xc[..., None, None] + reach  # [N,K,3,3]
    patch = flat.gather(2, near.reshape(n, k, 9)).reshape(n, k, 3, 3)
    if not logits:
        patch = patch.clamp(min=1e-6).log()
    inner = ((y == yc) & (x == xc))[..., None]
    points = torch.stack([x, y], dim=2).float() + torch.where(inner, step_to_top(patch), 0.0)
    if not logits:
        return points, peak.clamp(0, 1)
    mass = (flat - peak[..., None]).exp()  # [N, K, H*W]
    # A window of zeros and ones around the peak, by distance along each axis.
    ys, xs = torch.arange(h, device=heatmaps.device), torch.arange(w, device=heatmaps.device)
    rows = ((ys - y[..., None]).abs() <= WINDOW).to(mass.dtype)  # [N, K, H]
    columns = ((xs - x[..., None]).abs() <= WINDOW).to(mass.dtype)  # [N, K, W]
    inside = torch.einsum("nkhw,nkh,nkw->nk", mass.reshape(n, k, h, w), rows, columns)
    return points, (inside / mass.sum(dim=2)).clamp(0, 1)


def step_to_top(patch: Tensor) -> Tensor:
    """Step from the middle of `[N,K,3,3]` log-heatmaps to their top: `[N,K,2]` as (dx, dy)."""
    p = patch.flatten(2)  # [N, K, 9], row by row
    dx, dy = (p[..., 5] - p[..., 3]) / 2, (p[..., 7] - p[..., 1]) / 2
    dxx = p[..., 5] - 2 * p[..., 4] + p[..., 3]
    dyy = p[..., 7] - 2 * p[..., 4] + p[..., 1]
    dxy = (p[..., 8] - p[..., 6] - p[..., 2] + p[..., 0]) / 4
    det = dxx * dyy - dxy * dxy
    top = (det > 1e-9) & (dxx < 0)
    det = torch.where(top, det, 1.0)
    step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], dim=-1) / det[..., None]
    return torch.where(top[..., None], step.clamp(-1, 1), 0.0)
