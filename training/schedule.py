"""Training's clock, learning rate and averaged weights."""

import math
import time

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


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


def average_weights(net: nn.Module, keep: float) -> AveragedModel:
    """Make the running mean of `net`'s weights and statistics, which moves faster at first."""

    def move(mine: Tensor, theirs: Tensor, done: Tensor | int) -> Tensor:
        if not mine.is_floating_point():
            return theirs
        return mine.lerp(theirs, 1 - min(keep, (1 + int(done)) / (10 + int(done))))

    return AveragedModel(net, avg_fn=move, use_buffers=True).requires_grad_(False)
