"""The training loss: each heatmap is the logits of a softmax over all pixels."""

import torch
from torch import Tensor
from torch.nn import functional

SIGMA = 1.2  # pixels
HIDDEN = 4.0  # of a point that can't be seen: 0.38 of its map lies within the decoder's window
PULL = 6.0  # weight of the distance of twins' centres


def make_targets(points: Tensor, side: int, hidden: Tensor | None = None) -> Tensor:
    """Draw a Gaussian of mass 1 about each point: `[N,K,2]` pixels -> `[N,K,side,side]`.

    It is wide about those that are `hidden` `[N,K]`, so that their scores say so. Points that lie
    outside the picture, or are NaN, get a map of zeros.
    """
    at = torch.arange(side, dtype=points.dtype, device=points.device)
    sigma = SIGMA if hidden is None else torch.where(hidden, HIDDEN, SIGMA)[..., None, None]
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


def find_centres(maps: Tensor) -> Tensor:
    """Find the centres of mass `[N,K,2]` of maps `[N,K,H,W]` of mass 1, in pixels."""
    x, y = maps.sum(2), maps.sum(3)  # [N, K, W], [N, K, H]
    return torch.stack(
        [x @ torch.arange(x.shape[-1]).to(x), y @ torch.arange(y.shape[-1]).to(y)], -1
    )


def measure_loss(logits: Tensor, targets: Tensor, points: Tensor, twins: int = 0) -> Tensor:
    """Cross-entropy of the maps plus 0.25 smooth-L1 of their centres, in pixels.

    Logits and targets `[N,K,H,W]`, points `[N,K,2]` as (x, y). A target of zeros counts for
    nothing. The last `twins` faces are the first ones in other noise: their centres are one.
    """
    log = functional.log_softmax(logits.float().flatten(2), dim=-1)  # [N, K, H*W]
    weight = (targets.flatten(2).sum(-1) > 0.5).float()  # [N, K]
    entropy = -(targets.flatten(2) * log).sum(-1)  # [N, K]
    centre = find_centres(log.exp().view(logits.shape))  # [N, K, 2]
    known = torch.where(weight[..., None] > 0, points, centre.detach())
    offset = functional.smooth_l1_loss(centre, known, reduction="none").mean(-1)  # [N, K]
    loss = ((entropy + 0.25 * offset) * weight).sum() / weight.sum().clamp_min(1)
    if twins:
        loss = loss + PULL * functional.smooth_l1_loss(centre[:twins], centre[-twins:])
    return loss
