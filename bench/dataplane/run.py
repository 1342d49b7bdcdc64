"""Start services for the benchmarks."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from tools.processes import ROOT, Service, StartError, find_ports, run_services

IMAGES = ROOT / "out/images"  # `make images`: of each service what its image's requirements bring
QUIET = {"LANDMARKS_ACCESS_LOG": "false", "LANDMARKS_DRAIN_SECONDS": "0"}
Services = tuple[Service, ...]  # the one to ask first
BOTH, ONE = ("predictor", "transformer"), ("standalone",)


@contextlib.contextmanager
def run(*names: str, **settings: str) -> Iterator[Services]:
    """Run services until the block ends, each in the environment of its image.

    Weights that no image has and only torch reads run in this one.
    """

    def find_python(name: str) -> str:
        if name == "standalone" or "LANDMARKS_MODEL" in settings:
            return sys.executable
        python = IMAGES / name / "bin/python"
        if not python.is_file():
            raise StartError(f"{python} is not there: `make images` sets it up.")
        return str(python)

    ports, folder, given = find_ports(), make_folder(), QUIET | settings
    with run_services(ports, folder, given, find_python=find_python, names=names) as services:
        yield services[::-1]


def read_cpu(services: Services) -> float:
    """Return the processor seconds of services."""
    return sum(sum(psutil.Process(s.process.pid).cpu_times()[:2]) for s in services)


def read_memory(services: Services, kind: str = "rss") -> list[float]:
    """Return the memory of each service in MiB; `pss`: of shared pages its share."""
    found = (psutil.Process(s.process.pid).memory_full_info() for s in services)
    return [round(getattr(one, kind) / 2**20, 1) for one in found]


def make_folder() -> Path:
    """Make a folder for what a benchmark leaves."""
    return Path(tempfile.mkdtemp(prefix="bench-"))
