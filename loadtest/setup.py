"""What the users of one process share: options, pictures, and what was seen so far."""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

from loadtest.checks import Memory
from loadtest.pictures import Known, load_pictures, make_group, make_row

METADATA_SECONDS = 60


@dataclass
class Setup:
    """Made once at the start of a process."""

    options: argparse.Namespace
    pictures: list[Known]  # of single requests, in turn
    group: Known = field(default_factory=make_group)
    row: list[Known] = field(default_factory=make_row)  # of requests with several
    memory: Memory = field(default_factory=Memory)
    shapes: dict[str, list[int]] = field(default_factory=dict)  # of the model's outputs

    @property
    def least(self) -> int:
        """Faces that a picture shows at the least: of a folder nobody knows."""
        return 0 if Path(self.options.picture).is_dir() else 1

    def ask_shape(self, host: str, name: str) -> list[int]:
        """Ask the model's metadata for an output's shape, uncounted and once. Raises OSError."""
        if not self.shapes:
            given = self.options.host_header
            url = f"{host.rstrip('/')}/v2/models/{self.options.model}"
            request = Request(url, headers={"Host": given} if given else {})
            with urlopen(request, timeout=METADATA_SECONDS) as answer:
                outputs = json.load(answer)["outputs"]
            self.shapes = {output["name"]: output["shape"] for output in outputs}
        return self.shapes[name]

    def count_points(self, host: str) -> int:
        return self.ask_shape(host, "landmarks")[1]


current: Setup


def set_up(options: argparse.Namespace) -> Setup:
    """Load the pictures. Raises OSError, ValueError."""
    global current
    current = Setup(options, load_pictures(Path(options.picture)))
    return current


def get() -> Setup:
    return current
