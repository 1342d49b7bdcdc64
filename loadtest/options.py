"""The command line's options, and the sentence for what can't be tested at all."""

import argparse
import socket
import sys
from typing import NoReturn
from urllib.parse import urlsplit

from loadtest.inputs import InputError
from loadtest.known import PORTRAIT
from loadtest.shapes import SHAPES, read_steps

CONNECT_SECONDS = 5.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what belongs to this service to locust's own options."""
    group = parser.add_argument_group("landmarks")
    add = group.add_argument
    add("--picture", default=str(PORTRAIT), help="JPEG with at least one face")
    add("--pictures", default="", metavar="FOLDER", help="send its pictures in turn instead")
    add("--model", default="unet")
    add("--host-header", default="", help="name the ingress knows the service by")
    add("--grpc", default="", metavar="HOST:PORT", help="address for the gRPC users")
    add("--think", type=float, default=0.0, help="seconds between a user's requests")
    add("--bad", type=float, default=0.0, metavar="SHARE", help="of requests that must get a 4xx")
    add("--shape", default="", metavar="NAME", help=f"of the load: {', '.join(SHAPES)}")
    add("--steps", default="", metavar="USERS:SECONDS,...", help="for --shape steps")
    add("--find-target", action="store_true", help="print the level that saturates a pod")
    add("--max-failures", type=float, default=0.0, help="share of the requests")
    add("--max-p95", type=float, default=0.0, metavar="MS", help="0: any")
    add("--max-p99", type=float, default=0.0, metavar="MS", help="0: any")
    add("--min-rps", type=float, default=0.0, help="answered requests a second; 0: any")
    add("--replicas", default="", metavar="NAMESPACE/NAME", help="count an InferenceService's pods")


def check_options(options: argparse.Namespace) -> None:
    """Raise InputError with one sentence for options that can't work, a host that is down."""
    if options.shape and options.shape not in SHAPES:
        raise InputError(f"There is no shape '{options.shape}'; there are {', '.join(SHAPES)}.")
    if options.shape == "steps":
        read_steps(options.steps)
    if not 0 <= options.bad < 1:
        raise InputError(f"--bad {options.bad:g} is no share between 0 and 1.")
    if options.headless and not options.host:
        raise InputError("No host: name the service with -H http://HOST:PORT.")
    if options.host:
        url = urlsplit(options.host if "//" in options.host else f"//{options.host}")
        try:
            port = url.port or (443 if url.scheme == "https" else 80)
        except ValueError:
            port = 0
        if not url.hostname or not port or url.scheme not in ("http", "https"):
            raise InputError(f"--host {options.host} is no address such as http://127.0.0.1:8080.")
        check_up(url.hostname, port, options.host)
    if options.grpc:
        host, _, port = options.grpc.rpartition(":")
        if not host or not port.isdecimal():
            raise InputError(f"--grpc {options.grpc} is no HOST:PORT.")
        check_up(host.strip("[]"), int(port), options.grpc)


def check_up(host: str, port: int, said: str) -> None:
    """Raise InputError unless something listens there."""
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"Nothing answers at {said}: {reason}.") from None


def refuse(error: InputError) -> NoReturn:
    """End with one sentence and the exit code 2."""
    print(error, file=sys.stderr, flush=True)
    raise SystemExit(2)
