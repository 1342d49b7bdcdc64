"""What the users of one process share: options, pictures, and what was seen so far."""

import argparse
import json
from dataclasses import dataclass, field
from urllib.request import Request, urlopen

from locust.env import Environment
from locust.runners import WorkerRunner

from loadtest.checks import Memory
from loadtest.inputs import load_group, load_pictures, make_row
from loadtest.known import Known
from loadtest.stages import Stages

METADATA_SECONDS = 60
GIVE_UP = "landmarks-give-up"  # from a worker to its master


@dataclass
class Setup:
    """Made once at the start of a process."""

    options: argparse.Namespace
    pictures: list[Known]  # of single requests, in turn
    group: Known = field(default_factory=load_group)
    row: list[Known] = field(default_factory=make_row)  # of requests with several
    memory: Memory = field(default_factory=Memory)
    stages: Stages = field(default_factory=Stages)
    shapes: dict[str, list[int]] = field(default_factory=dict)  # of the model's outputs
    fatal: str = ""  # why the run was given up

    @property
    def least(self) -> int:
        """Faces that a picture shows at the least: of a folder nobody knows."""
        return 0 if self.options.pictures else 1

    def ask_shape(self, host: str, name: str) -> list[int]:
        """Ask the model's metadata for an output's shape, uncounted and once."""
        if not self.shapes:
            given = self.options.host_header
            url = f"{host}/v2/models/{self.options.model}"
            request = Request(url, headers={"Host": given} if given else {})
            with urlopen(request, timeout=METADATA_SECONDS) as answer:
                outputs = json.load(answer)["outputs"]
            self.shapes = {output["name"]: output["shape"] for output in outputs}
        return self.shapes[name]

    def count_points(self, host: str) -> int:
        return self.ask_shape(host, "landmarks")[1]

    def give_up(self, environment: Environment, sentence: str) -> None:
        """End the run: no request of it can be answered."""
        if isinstance(environment.runner, WorkerRunner):
            environment.runner.send_message(GIVE_UP, {"sentence": sentence})
        elif not self.fatal:
            self.fatal = sentence
            if environment.runner is not None:
                environment.runner.quit()


current: Setup


def set_up(options: argparse.Namespace) -> Setup:
    """Load the pictures; raises InputError."""
    global current
    current = Setup(options, load_pictures(options.picture, options.pictures))
    return current


def get() -> Setup:
    return current
