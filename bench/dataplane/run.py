"""Start services and callers for the benchmarks."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import psutil
from PIL import Image

from tools.processes import (
    ROOT,
    Service,
    StartError,
    find_ports,
    run_services,
    run_standalone,
    start_service,
    wait_ready,
)

PICTURE = ROOT / "tests/assets/astronaut.jpg"
IMAGES = ROOT / "out/images"  # `make images`: of each service what its image's requirements bring
QUIET = {"LANDMARKS_ACCESS_LOG": "false", "LANDMARKS_DRAIN_SECONDS": "0"}
Services = tuple[Service, ...]  # the one to ask first


@contextlib.contextmanager
def start(module: str, ports: tuple[int, int], **settings: str) -> Iterator[Service]:
    """Run `python -m module` until the block ends; it is ready when that begins."""
    service = start_service(
        module,
        *ports,
        make_folder(),
        QUIET | settings,
        python=find_python(module, settings),
    )
    try:
        wait_ready(service)
        yield service
    finally:
        service.stop()


def find_python(module: str, settings: Mapping[str, str]) -> str:
    """Find what runs a module as it ships: a service in the environment of its image.

    KServe's samples, and weights that no image has and only torch reads, run in this one.
    """
    if module not in ("predictor", "transformer") or "LANDMARKS_MODEL" in settings:
        return sys.executable
    python = IMAGES / module / "bin/python"
    if not python.is_file():
        raise StartError(f"{python} is not there: `make images` sets it up.")
    return str(python)


@contextlib.contextmanager
def run_ours(**settings: str) -> Iterator[Services]:
    """Run our two services: the transformer, the predictor."""
    find = partial(find_python, settings=settings)
    with run_services(find_ports(), make_folder(), QUIET | settings, find_python=find) as services:
        yield services[::-1]


@contextlib.contextmanager
def run_one(**settings: str) -> Iterator[Services]:
    """Run both in one process."""
    with run_standalone(find_ports(), make_folder(), QUIET | settings) as service:
        yield (service,)


def load(*words: object) -> dict:
    """Run bench.dataplane.load to its end; return what it measured."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.dataplane.load", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if done.returncode:
        raise RuntimeError("the callers failed")
    return json.loads(done.stdout)


def read_cpu(service: Service) -> float:
    """Return the processor seconds of a service."""
    return sum(psutil.Process(service.process.pid).cpu_times()[:2])


def read_pss(service: Service) -> float:
    """Return the memory of a service in MiB, of shared pages its share."""
    return psutil.Process(service.process.pid).memory_full_info().pss / 2**20


def make_jpeg(width: int = 640, height: int = 480) -> bytes:
    """Make a JPEG of the astronaut, one face, at this size."""
    buffer = io.BytesIO()
    Image.open(PICTURE).resize((width, height)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def make_folder() -> Path:
    """Make a folder for what a benchmark leaves: logs and bodies."""
    return Path(tempfile.mkdtemp(prefix="bench-"))


def write_body(content: bytes) -> Path:
    """Put a request body where the callers find it."""
    path = make_folder() / "body"
    path.write_bytes(content)
    return path
