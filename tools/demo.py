"""The demo: a real photograph through both services, its points printed and drawn."""

import time

from client import Client
from client.output import format_table
from tools.processes import ROOT, find_ports, run_services

PICTURE = ROOT / "tests/assets/astronaut.jpg"  # NASA, public domain
OUT = ROOT / "out"

if __name__ == "__main__":
    with run_services(find_ports(), OUT, report=print) as (_, transformer):
        client = Client(transformer.url)
        client.locate(PICTURE)  # the first call also opens connections
        begun = time.perf_counter()
        result = client.locate(PICTURE)
        seconds = time.perf_counter() - begun
        (OUT / "demo.png").write_bytes(client.draw(PICTURE))
    print(format_table(result), end="")
    print(f"answered in {1000 * seconds:.0f} ms; the picture with its points: out/demo.png")
