"""The training loss: each heatmap is the logits of a softmax over all pixels."""

import torch
from torch import Tensor
from torch.nn import functional

SIGMA = 1.2  # pixels


def make_targets(points: Tensor, side: int, sigma: float = SIGMA) -> Tensor:
    """Draw a Gaussian of mass 1 about each point: `[N,K,2]` pixels -> `[N,K,side,side]`.

    Points that lie outside the picture, or are NaN, get a map of zeros.
    """
    at = torch.arange(side, dtype=points.dtype, device=points.device)
    spread = torch.exp(-(((at - points[..., None]) / sigma) ** 2) / 2)  # [N, K, 2, side]
    inside = is_inside(points, side)[..., None]  # [N, K, 1]
    x = torch.where(inside, spread[..., 0, :], 0)  # [N, K, side]
    y = torch.where(inside, spread[..., 1, :], 0)
    x = x / x.sum(-1, keepdim=True).clamp_min(1e-6)
    y = y / y.sum(-1, keepdim=True).clamp_min(1e-6)
    return y[..., :, None] * x[..., None, :]


def is_inside(points: Tensor, side: int) -> Tensor:
    """Tell which points `[...,2]` lie on the picture and are no NaN: `[...]`."""
    return ((points > -0.5) & (points < side - 0.5)).all(-1)


def measure_loss(logits: Tensor, targets: Tensor, points: Tensor) -> Tensor:
    """Cross-entropy of the maps plus 0.25 smooth-L1 of their centres, in pixels.

    Logits and targets `[N,K,H,W]`, points `[N,K,2]` as (x, y). A target of
    zeros counts for nothing.
    """
    n, k, h, w = logits.shape
    log = functional.log_softmax(logits.float().flatten(2), dim=-1)  # [N, K, H*W]
    weight = (targets.flatten(2).sum(-1) > 0.5).float()  # [N, K]
    entropy = -(targets.flatten(2) * log).sum(-1)  # [N, K]
    maps = log.exp().view(n, k, h, w)
    x = maps.sum(2) @ torch.arange(w, dtype=maps.dtype, device=maps.device)  # [N, K]
    y = maps.sum(3) @ torch.arange(h, dtype=maps.dtype, device=maps.device)
    centre = torch.stack([x, y], -1)
    known = torch.where(weight[..., None] > 0, points, centre.detach())
    offset = functional.smooth_l1_loss(centre, known, reduction="none").mean(-1)  # [N, K]
    return ((entropy + 0.25 * offset) * weight).sum() / weight.sum().clamp_min(1)
