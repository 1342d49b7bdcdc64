"""`make serve`: both services on four ports in a row until Ctrl-C; `make serve-one`: in one."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time

from tools.processes import ROOT, Ports, StartError, run_services

HELP = """
Open http://127.0.0.1:{ports.rest}/ and drop a picture there. Or, from another terminal:
  curl --data-binary @tests/assets/astronaut.jpg -H 'Content-Type: image/jpeg' \\
       http://127.0.0.1:{ports.rest}/v2/models/unet/infer
  .venv/bin/python -m client --url http://127.0.0.1:{ports.rest} tests/assets/astronaut.jpg \\
       --overlay out/astronaut.png
  curl http://127.0.0.1:{ports.rest}/v2/models/unet            # what goes in and out
  curl http://127.0.0.1:{ports.rest}/metrics
"""
NEEDS_TORCH = 3  # predictor.convert's exit code
ALONE = "The predictor alone: REST {ports.predictor_rest}, gRPC {ports.predictor_grpc}."
ENDINGS = {True: "Ctrl-C stops it.", False: f"{ALONE} Ctrl-C stops both."}


def choose_ports(first: int, one: bool) -> Ports:
    """Take the ports from the first one on. Raises StartError where another program has one."""
    count = 2 if one else 4
    for port in range(first, first + count):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as error:
            why, target = os.strerror(error.errno or 0), "serve-one" if one else "serve"
            raise StartError(
                f"Port {port} of 127.0.0.1 cannot be had ({why}): stop what listens there, or name"
                f" the first of {count} others, as in make {target} PORT=9080"
            ) from None
    return Ports(*range(first, first + 4))


def serve(ports: Ports, one: bool) -> None:
    """Serve until SIGINT or SIGTERM, or until one of the services ends."""
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stopped.append(number))
    names = ["standalone"] if one else ["predictor", "transformer"]
    with run_services(ports, ROOT / "out", report=print, names=names) as services:
        print((HELP + ENDINGS[one]).format(ports=ports), flush=True)
        while not stopped and all(service.process.poll() is None for service in services):
            time.sleep(0.2)
        for service in services:
            if service.process.poll() is not None:
                raise StartError(f"The {service.name} ended:\n{service.tail_log()}")
        print("stopping ...", flush=True)
    print("stopped", flush=True)


def convert(model: str) -> None:
    """Convert a model folder once, with torch installed if it takes that; raises StartError."""
    command = [sys.executable, "-m", "predictor.convert", model, "--once"]
    code = subprocess.run(command, cwd=ROOT).returncode
    if code == NEEDS_TORCH:
        print("installing it (minutes, once) ...", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "-r", "requirements/convert.txt"]
        subprocess.run(pip, cwd=ROOT, check=True)
        code = subprocess.run(command, cwd=ROOT).returncode
    if code:
        raise StartError(f"{model} is not served.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.serve", description=__doc__)
    parser.add_argument("--one", action="store_true", help="both in one process")
    parser.add_argument("--port", type=int, default=Ports().rest, help="the first of the ports")
    given = parser.parse_args()
    if not 1024 <= given.port <= 65532:
        parser.error(f"a first port is from 1024 to 65532, not {given.port}")
    try:
        if model := os.environ.get("LANDMARKS_MODEL"):
            convert(model)
        serve(choose_ports(given.port, given.one), given.one)
    except StartError as error:
        raise SystemExit(str(error)) from None
