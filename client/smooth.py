"""Smooth the points of a stream: the One Euro filter.

Casiez, Roussel and Vogel, "1 Euro Filter", CHI 2012: what stands still is smoothed more than what
moves, so that still points don't shake and moving ones don't lag.
"""

import math
from collections.abc import Sequence


class OneEuro:
    """Smooths the coordinates of one face; make another one where its id is a new one.

    `cutoff` is in Hz, that of what stands still; `beta` raises it for each pixel a second.
    """

    def __init__(self, cutoff: float = 1.0, beta: float = 0.05):
        self.cutoff, self.beta = cutoff, beta
        self.values: list[float] = []
        self.speeds: list[float] = []
        self.time = 0.0

    def __call__(self, values: Sequence[float], seconds: float) -> list[float]:
        """Return the coordinates smoothed, given when they were seen."""
        step = seconds - self.time

        def weigh(cutoff: float) -> float:  # the share of a new value in a low pass, in Hz
            return 1 - 1 / (1 + 2 * math.pi * cutoff * step)

        if len(values) != len(self.values) or step <= 0:
            self.values, self.speeds = list(values), [0.0] * len(values)
        else:
            for i, value in enumerate(values):
                speed = (value - self.values[i]) / step
                self.speeds[i] += weigh(1.0) * (speed - self.speeds[i])
                share = weigh(self.cutoff + self.beta * abs(self.speeds[i]))
                self.values[i] += share * (value - self.values[i])
        self.time = seconds
        return list(self.values)
