"""A load that changes in steps, for locust -f loadtest/locustfile.py,loadtest/steps.py:

--steps 1:15,5:30,1:20    one user for 15 s, five for 30 s, one for 20 s
"""

from locust import LoadTestShape, events


@events.init_command_line_parser.add_listener
def add_options(parser) -> None:
    parser.add_argument("--steps", default="1:30", metavar="USERS:SECONDS,...")


def read_steps(text: str) -> list[tuple[int, float]]:
    """Read "USERS:SECONDS,..." into a list."""
    return [
        (int(users), float(seconds)) for users, seconds in (s.split(":") for s in text.split(","))
    ]


class Steps(LoadTestShape):
    """Users by the clock; all of them start and stop at once."""

    def tick(self) -> tuple[int, float] | None:
        assert self.runner and self.runner.environment.parsed_options
        left = self.get_run_time()
        for users, seconds in read_steps(self.runner.environment.parsed_options.steps):
            if left < seconds:
                return users, 100.0
            left -= seconds
        return None
