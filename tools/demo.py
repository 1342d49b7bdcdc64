"""The demo: a real photograph through both services, its points printed and drawn."""

import time
from pathlib import Path

from client import Client
from client.output import format_table
from tools.processes import ROOT, find_ports, run_services

PICTURE = ROOT / "tests/assets/astronaut.jpg"  # NASA, public domain
OUT = ROOT / "out"


def run_demo(picture: Path = PICTURE) -> None:
    """Start both services on free ports, send the picture, print and draw, stop both."""
    with run_services(find_ports(), OUT, report=print) as (_, transformer):
        client = Client(transformer.url)
        client.locate(picture)  # the first call also opens connections
        begun = time.perf_counter()
        result = client.locate(picture)
        seconds = time.perf_counter() - begun
        (OUT / "demo.png").write_bytes(client.draw(picture))
    print(format_table(result), end="")
    print(f"answered in {1000 * seconds:.0f} ms; the picture with its points: out/demo.png")


if __name__ == "__main__":
    run_demo()
