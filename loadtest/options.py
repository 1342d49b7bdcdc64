"""The command line's options, what can't be tested at all, and in what a run fell short."""

import argparse
import json
from urllib.error import HTTPError

from locust.stats import StatsEntry

from loadtest.pictures import PORTRAIT
from loadtest.setup import Setup
from loadtest.steps import read_steps


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what belongs to this service to locust's own options."""
    add = parser.add_argument_group("landmarks").add_argument
    add("--picture", default=str(PORTRAIT), help="with at least one face; or a folder of any")
    add("--model", default="unet")
    add("--host-header", default="", help="name the ingress knows the service by")
    add("--grpc", default="", metavar="HOST:PORT", help="address for the gRPC users")
    add("--think", type=float, default=0.0, help="seconds between a user's requests")
    add("--bad", type=float, default=0.0, metavar="SHARE", help="of requests that must get a 4xx")
    add("--steps", default="", metavar="USERS:SECONDS,...", help="load by the clock, then levels")
    add("--max-failures", type=float, default=0.0, help="share of the requests")
    add("--max-p99", type=float, default=0.0, metavar="MS", help="0: any")
    add("--min-rps", type=float, default=0.0, help="answered requests per second; 0: any")


def check_options(options: argparse.Namespace) -> None:
    """Raise ValueError with one sentence for options that can't work."""
    if options.steps:
        read_steps(options.steps)
    if not 0 <= options.bad < 1:
        raise ValueError(f"--bad {options.bad:g} is not a share between 0 and 1.")
    if options.headless and not options.host:
        raise ValueError("No host: name the service with -H http://HOST:PORT.")


def check_model(shared: Setup, host: str) -> None:
    """Raise ValueError with one sentence unless the service is up and has the model."""
    try:
        shared.count_points(host)
    except HTTPError as error:
        try:
            said = json.load(error)["error"]
        except (ValueError, KeyError, TypeError):
            said = f"it answers {error.code}"
        raise ValueError(f"{host} has no model '{shared.options.model}': {said}") from None
    except OSError as error:
        raise ValueError(f"Nothing answers at {host}: {error}.") from None
    except (ValueError, LookupError, TypeError) as error:
        text = f"{host} is not the address of a landmarks service ({error})."
        raise ValueError(text) from None


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
