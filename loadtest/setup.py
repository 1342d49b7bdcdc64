"""What the users of one process share: the options, the pictures, and the model's shapes."""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from locust.stats import StatsEntry

from loadtest.pictures import PORTRAIT, Known, make_group, make_portrait, make_row
from loadtest.steps import read_steps

METADATA_SECONDS = 60


@dataclass
class Setup:
    """Made once at the start of a process."""

    options: argparse.Namespace
    picture: Known  # of single requests
    group: Known = field(default_factory=make_group)
    row: list[Known] = field(default_factory=make_row)  # of requests with several
    shapes: dict[str, list[int]] = field(default_factory=dict)  # of the model's outputs

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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what belongs to this service to locust's own options."""
    add = parser.add_argument_group("landmarks").add_argument
    add("--picture", default=str(PORTRAIT), help="with at least one face")
    add("--model", default="unet")
    add("--host-header", default="", help="name the ingress knows the service by")
    add("--grpc", default="", metavar="HOST:PORT", help="address for the gRPC users")
    add("--think", type=float, default=0.0, help="seconds between a user's requests")
    add("--steps", default="", metavar="USERS:SECONDS,...", help="load by the clock, then levels")
    add("--max-failures", type=float, default=0.0, help="share of the requests")
    add("--max-p99", type=float, default=0.0, metavar="MS", help="0: any")
    add("--min-rps", type=float, default=0.0, help="answered requests per second; 0: any")


def set_up(options: argparse.Namespace, ask: bool = True) -> None:
    """Check the options, load the pictures, and `ask` whether the service has the model.

    Raises OSError, or ValueError with one sentence, where nothing can be tested.
    """
    global current
    if options.steps:
        read_steps(options.steps)
    if options.headless and not options.host:
        raise ValueError("No host: name the service with -H http://HOST:PORT.")
    place, host = Path(options.picture), options.host
    # Of a picture of yours nobody knows the faces.
    current = Setup(options, make_portrait() if place == PORTRAIT else Known(place.read_bytes()))
    if not host or not ask:
        return
    try:
        current.count_points(host)
    except HTTPError as error:
        raise ValueError(f"{host} has no model '{options.model}' ({error}).") from None
    except OSError as error:
        raise ValueError(f"Nothing answers at {host}: {error}.") from None
    except (ValueError, LookupError, TypeError) as error:
        said = f"{host} is not the address of a landmarks service ({error})."
        raise ValueError(said) from None


def find_reasons(total: StatsEntry, options: argparse.Namespace) -> list[str]:
    """Say in what a run fell short of the thresholds."""
    if total.num_requests == 0:
        return ["no request was made"]
    reasons = []
    if total.fail_ratio > options.max_failures:
        reasons.append(f"{total.num_failures} of {total.num_requests} requests failed")
    took = total.get_response_time_percentile(0.99) or 0
    if options.max_p99 and took > options.max_p99:
        reasons.append(f"p99 is {took:.0f} ms, above {options.max_p99:g} ms")
    answered = total.total_rps - total.total_fail_per_sec
    if options.min_rps and answered < options.min_rps:
        reasons.append(f"{answered:.1f} requests per second, below {options.min_rps:g}")
    return reasons
