"""`make serve`: both services on their usual ports until Ctrl-C; `make serve-one`: in one."""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator

from tools.processes import ROOT, Ports, Service, StartError, run_services, run_standalone

HELP = """
Open http://127.0.0.1:{ports.rest}/ and drop a picture there. Or, from another terminal:
  curl --data-binary @tests/assets/astronaut.jpg -H 'Content-Type: image/jpeg' \\
       http://127.0.0.1:{ports.rest}/v2/models/unet/infer
  .venv/bin/python -m client tests/assets/astronaut.jpg --overlay out/astronaut.png
  .venv/bin/python -m client tests/assets/astronaut.jpg --grpc 127.0.0.1:{ports.grpc}
  curl http://127.0.0.1:{ports.rest}/v2/models/unet            # what goes in and out
  curl http://127.0.0.1:{ports.rest}/metrics
"""
ALONE = "The predictor alone: REST {ports.predictor_rest}, gRPC {ports.predictor_grpc}."


@contextlib.contextmanager
def start(ports: Ports, one: bool) -> Iterator[tuple[Service, ...]]:
    """Run both services, or the one process that is both."""
    if one:
        with run_standalone(ports, ROOT / "out", report=print) as service:
            print(HELP.format(ports=ports) + "Ctrl-C stops it.", flush=True)
            yield (service,)
    else:
        with run_services(ports, ROOT / "out", report=print) as services:
            print((HELP + ALONE).format(ports=ports), "Ctrl-C stops both.", flush=True)
            yield services


def serve(ports: Ports, one: bool) -> None:
    """Serve until SIGINT or SIGTERM, or until one of the services ends."""
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stopped.append(number))
    with start(ports, one) as services:
        while not stopped and all(service.process.poll() is None for service in services):
            time.sleep(0.2)
        for service in services:
            if service.process.poll() is not None:
                raise SystemExit(f"The {service.name} ended:\n{service.tail_log()}")
        print("stopping ...", flush=True)
    print("stopped", flush=True)


if __name__ == "__main__":
    try:
        serve(Ports(), one=sys.argv[1:] == ["one"])
    except StartError as error:
        raise SystemExit(str(error)) from None
