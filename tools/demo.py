"""The demo: a real photograph through both services, its points printed and drawn."""

import time
from pathlib import Path

from client import locate
from client.__main__ import print_table
from client.overlay import draw_overlay
from tools.processes import ROOT, find_ports, run_services

PICTURE = ROOT / "tests/assets/astronaut.jpg"  # NASA, public domain
OUT = ROOT / "out"


def run_demo(picture: Path = PICTURE) -> None:
    """Start both services on free ports, send the picture, print and draw, stop both."""
    with run_services(find_ports(), OUT, report=print) as (_, transformer):
        locate(picture, transformer.url)  # the first call also opens connections
        begun = time.perf_counter()
        faces = locate(picture, transformer.url)
        seconds = time.perf_counter() - begun
    print_table(faces)
    draw_overlay(picture.read_bytes(), faces).save(OUT / "demo.png")
    print(f"answered in {1000 * seconds:.0f} ms; the picture with its points: out/demo.png")


if __name__ == "__main__":
    run_demo()
