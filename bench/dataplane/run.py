"""Start services and callers for the benchmarks, each on the processors that it may use."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from PIL import Image

from tools.processes import (
    ROOT,
    Service,
    StartError,
    find_ports,
    pin_to,
    run_services,
    start_service,
    wait_ready,
)

PICTURE = ROOT / "tests/assets/astronaut.jpg"
IMAGES = ROOT / "out/images"  # `make images`: of each service what its image's requirements bring
QUIET = {"LANDMARKS_ACCESS_LOG": "false", "LANDMARKS_DRAIN_SECONDS": "0"}


def start(
    module: str, ports: tuple[int, int], *arguments: str, cpus: str = "", **settings: str
) -> Service:
    """Start `python -m module` and wait until it is ready; `cpus` pins it, as "0" or "0,1"."""
    service = start_service(
        module,
        *ports,
        make_folder(),
        QUIET | settings,
        arguments=arguments,
        cpus=cpus,
        python=find_python(module, settings),
    )
    wait_ready(service)
    return service


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


def run_ours(cpus: str = "", **settings: str) -> AbstractContextManager[tuple[Service, Service]]:
    """Run our predictor and transformer."""
    find = partial(find_python, settings=settings)
    return run_services(find_ports(), make_folder(), QUIET | settings, cpus=cpus, find_python=find)


@contextlib.contextmanager
def run_stock() -> Iterator[tuple[Service, Service]]:
    """Run the predictor and transformer of KServe's samples."""
    ports = find_ports()
    with contextlib.ExitStack() as running:
        predictor = start(
            "bench.dataplane.stock.predictor",
            (ports.predictor_rest, ports.predictor_grpc),
            "--model_name=unet",
        )
        running.callback(predictor.stop)
        transformer = start(
            "bench.dataplane.stock.transformer",
            (ports.rest, ports.grpc),
            f"--predictor_host=127.0.0.1:{predictor.rest}",
            "--predictor_protocol=v2",
            "--model_name=unet",
        )
        running.callback(transformer.stop)
        yield predictor, transformer


def load(*arguments: object, cpus: str = "") -> dict:
    """Run bench.dataplane.load to its end and give what it measured."""
    return finish_load(begin_load(*arguments, cpus=cpus))


def begin_load(*arguments: object, cpus: str = "") -> subprocess.Popen:
    command = [*pin_to(cpus), sys.executable, "-m", "bench.dataplane.load", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def finish_load(process: subprocess.Popen) -> dict:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("the callers failed")
    return json.loads(output)


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
