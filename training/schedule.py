"""Training's clock, learning rate and averaged weights."""

import copy
import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from predictor.unet import UNet


class Budget:
    """How much of a training run is spent, by steps or by CPU time of each thread.

    CPU time, not the clock on the wall: a run that is paused or shares its cores
    ends no worse for it, only later.
    """

    def __init__(self, steps: int | None, minutes: float | None):
        if not (steps or minutes):
            raise ValueError("A run needs a number of steps or of minutes.")
        self.steps, self.minutes = steps, minutes or 0.0
        self.done, self.begin = 0, time.process_time()

    def spent(self) -> float:
        """Tell the share of the budget that is spent, from 0 to 1."""
        if self.steps:
            return min(self.done / self.steps, 1.0)
        used = (time.process_time() - self.begin) / torch.get_num_threads()
        return min(used / (60 * self.minutes), 1.0)

    def state_dict(self) -> dict[str, float]:
        """Return what a resumed run needs: steps and CPU seconds."""
        return {"done": self.done, "used": time.process_time() - self.begin}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from there."""
        self.done, self.begin = int(state["done"]), time.process_time() - state["used"]


def set_rate(optimiser: torch.optim.Optimizer, top: float, spent: float) -> None:
    """Set the learning rate: 4 % of the run up to `top`, then a cosine down to 0."""
    rise = min(spent / 0.04 + 0.02, 1.0)
    fall = 0.5 * (1 + math.cos(math.pi * max(spent - 0.04, 0) / 0.96))
    for group in optimiser.param_groups:
        group["lr"] = top * min(rise, fall)


def copy_average(net: UNet) -> UNet:
    """Make the network that will hold the running mean of `net`'s weights."""
    return copy.deepcopy(net).requires_grad_(False)


def update_average(average: nn.Module, net: nn.Module, keep: float, done: int) -> None:
    """Move the averaged weights and statistics towards `net`'s, faster in the first steps."""
    keep = min(keep, (1 + done) / (10 + done))
    mine, theirs = average.state_dict(), net.state_dict()
    for name, tensor in mine.items():
        if tensor.is_floating_point():
            tensor.lerp_(theirs[name], 1 - keep)


@torch.no_grad()
def settle_statistics(net: nn.Module, draw: Callable[[], Tensor], batches: int = 60) -> None:
    """Measure BatchNorm's means and variances anew, as averaged weights need their own."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    net.train()
    for _ in range(batches):
        net(draw())
    for norm in norms:
        norm.momentum = 0.1
    net.eval()
