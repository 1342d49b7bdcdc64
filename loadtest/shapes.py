"""Loads that change with time: --shape steady, steps, spike or soak.

--shape steps --steps 1:15,5:30,1:20    one user for 15 s, five for 30 s, one for 20 s
--shape spike -u 32 -t 60s              an eighth, then all at once, then an eighth again
--shape soak -u 8 -t 2h                 slowly up, then the same for long
"""

import argparse

from locust import LoadTestShape

from loadtest.inputs import InputError

AT_ONCE = 100.0  # users started or stopped a second
Step = tuple[int, float, float]  # users, seconds, users started a second
DEFAULT_SECONDS = 60.0


def read_steps(text: str) -> list[Step]:
    """Read "USERS:SECONDS,..."; raises InputError."""
    try:
        pairs = [step.split(":") for step in text.split(",")]
        steps = [(int(users), float(seconds), AT_ONCE) for users, seconds in pairs]
    except ValueError:
        raise InputError(f"--steps '{text}' is not USERS:SECONDS,... as 1:15,5:30.") from None
    if any(users < 1 or not seconds > 0 for users, seconds, _ in steps):
        raise InputError(f"--steps '{text}' has a step without users or without time.")
    return steps


def plan_steady(users: int, seconds: float) -> list[Step]:
    return [(users, seconds, AT_ONCE)]


def plan_spike(users: int, seconds: float) -> list[Step]:
    few = max(1, users // 8)
    return [(few, seconds / 3, AT_ONCE), (users, seconds / 3, AT_ONCE), (few, seconds / 3, AT_ONCE)]


def plan_soak(users: int, seconds: float) -> list[Step]:
    return [(users, seconds, max(0.1, users / (seconds / 20)))]


PLANS = {"steady": plan_steady, "spike": plan_spike, "soak": plan_soak}
SHAPES = (*PLANS, "steps")


class Shape(LoadTestShape):
    """Users by the clock, as the options say."""

    use_common_options = True  # -u and -t

    def __init__(self, options: argparse.Namespace):
        super().__init__()
        seconds = float(options.run_time or DEFAULT_SECONDS)
        if options.shape == "steps":
            self.plan = read_steps(options.steps)
        else:
            self.plan = PLANS[options.shape](options.num_users or 1, seconds)

    def tick(self) -> tuple[int, float] | None:
        left = self.get_run_time()
        for users, seconds, rate in self.plan:
            if left < seconds:
                return users, rate
            left -= seconds
        return None
