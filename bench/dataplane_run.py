"""Start services and callers for the benchmarks, each on the processors that it may use."""

import contextlib
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image

from tools.processes import ROOT, Service, StartError, find_ports, wait_ready

PICTURE = ROOT / "tests/assets/astronaut.jpg"
IMAGES = ROOT / "out/images"  # `make images`: of each service what its image's requirements bring
QUIET = {"LANDMARKS_ACCESS_LOG": "false", "LANDMARKS_DRAIN_SECONDS": "0"}


def start(
    module: str, ports: tuple[int, int], *arguments: str, cpus: str = "", **settings: str
) -> Service:
    """Start `python -m module` and wait until it is ready; `cpus` pins it, as "0" or "0,1"."""
    log = Path(tempfile.mkdtemp(prefix="bench-")) / "service.log"
    python = find_python(module, settings)
    command = [python, "-m", module, f"--http_port={ports[0]}", f"--grpc_port={ports[1]}"]
    pin = ["taskset", "-c", cpus] if cpus else []
    with log.open("w") as sink:
        process = subprocess.Popen(
            [*pin, *command, "--model_name=unet", *arguments],
            cwd=ROOT,
            env=os.environ | QUIET | settings,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = Service(module, process, log, *ports)
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


@contextlib.contextmanager
def run_ours(cpus: str = "", **settings: str) -> Iterator[tuple[Service, Service]]:
    """Run our predictor and transformer."""
    ports = find_ports()
    pair = (ports.predictor_rest, ports.predictor_grpc)
    predictor = start("predictor", pair, cpus=cpus, **settings)
    settings["LANDMARKS_PREDICTOR"] = f"127.0.0.1:{predictor.grpc}"
    try:
        transformer = start("transformer", (ports.rest, ports.grpc), cpus=cpus, **settings)
        try:
            yield predictor, transformer
        finally:
            transformer.stop()
    finally:
        predictor.stop()


@contextlib.contextmanager
def run_stock() -> Iterator[tuple[Service, Service]]:
    """Run the predictor and transformer of KServe's samples."""
    ports = find_ports()
    predictor = start("bench.stock.predictor", (ports.predictor_rest, ports.predictor_grpc))
    try:
        transformer = start(
            "bench.stock.transformer",
            (ports.rest, ports.grpc),
            f"--predictor_host=127.0.0.1:{predictor.rest}",
            "--predictor_protocol=v2",
        )
        try:
            yield predictor, transformer
        finally:
            transformer.stop()
    finally:
        predictor.stop()


def load(*arguments: object, cpus: str = "") -> dict:
    """Run bench.dataplane_load to its end and give what it measured."""
    return finish_load(begin_load(*arguments, cpus=cpus))


def begin_load(*arguments: object, cpus: str = "") -> subprocess.Popen:
    pin = ["taskset", "-c", cpus] if cpus else []
    command = [*pin, sys.executable, "-m", "bench.dataplane_load", *map(str, arguments)]
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


def write_body(content: bytes) -> Path:
    """Put a request body where the callers find it."""
    path = Path(tempfile.mkdtemp(prefix="bench-")) / "body"
    path.write_bytes(content)
    return path


def read_rss(service: Service) -> float:
    """Read a service's resident memory, in MiB."""
    for line in Path(f"/proc/{service.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def describe_machine() -> dict:
    """Say what the figures were measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    return {"cpu": model, "cpus": len(os.sched_getaffinity(0)), "commit": commit}
