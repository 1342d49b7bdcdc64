"""`make serve`: both services on their usual ports until Ctrl-C."""

import signal
import time

from tools.processes import ROOT, Ports, StartError, run_services

HELP = """
Try, from another terminal:
  curl --data-binary @tests/assets/astronaut.jpg -H 'Content-Type: image/jpeg' \\
       http://127.0.0.1:{ports.rest}/v2/models/unet/infer
  .venv/bin/python -m client tests/assets/astronaut.jpg --overlay out/astronaut.png
  .venv/bin/python -m client tests/assets/astronaut.jpg --grpc 127.0.0.1:{ports.grpc}
  curl http://127.0.0.1:{ports.rest}/v2/models/unet            # what goes in and out
  curl http://127.0.0.1:{ports.rest}/metrics
The predictor alone: REST {ports.predictor_rest}, gRPC {ports.predictor_grpc}. Ctrl-C stops both.
"""


def serve(ports: Ports) -> None:
    """Serve until SIGINT or SIGTERM, or until one of the services ends."""
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stopped.append(number))
    with run_services(ports, ROOT / "out", report=print) as services:
        print(HELP.format(ports=ports), flush=True)
        while not stopped and all(service.process.poll() is None for service in services):
            time.sleep(0.2)
        for service in services:
            if service.process.poll() is not None:
                raise SystemExit(f"The {service.name} ended:\n{service.tail_log()}")
        print("stopping ...", flush=True)
    print("stopped", flush=True)


if __name__ == "__main__":
    try:
        serve(Ports())
    except StartError as error:
        raise SystemExit(str(error)) from None
