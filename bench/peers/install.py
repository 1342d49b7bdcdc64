"""Set up an environment for each peer: python -m bench.peers.install [NAME ...].

A peer that cannot be installed is named with pip's last line; the others go on.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

from bench.peers.table import OUT

# What the project's own pipeline takes, and what a user's own would: the same for every peer.
COMMON = """
    grpcio msgspec numpy onnxruntime opencv-python-headless opentelemetry-api openvino==2026.4.1
    pillow prometheus-client pydantic-settings simplejpeg==1.9.0
"""
PEERS = {
    "fastapi": "fastapi==0.165.0 uvicorn[standard]==0.54.0",
    "litserve": "litserve==0.2.19",
    "mlserver": "mlserver==1.7.1 uvloop==0.21.0",  # it asks for a loop that newer ones don't make
    "pytriton": "nvidia-pytriton==0.7.0",
}
PYTHONS = {"pytriton": "/usr/bin/python3.11"}  # its server takes the distribution's alone


def set_up(name: str) -> str:
    """Make the environment of a peer; return what to say of it."""
    folder, wanted = OUT / name, [*COMMON.split(), *PEERS[name].split()]
    done = folder / "done.json"
    if done.is_file() and json.loads(done.read_text()) == wanted:
        return "is installed"
    try:
        run(PYTHONS.get(name, sys.executable), "-m", "venv", "--clear", folder)
        run(folder / "bin/python", "-m", "pip", "install", "--quiet", *wanted)
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        return f"does not install: {said[-1][:200] if said else 'no word why'}"
    done.write_text(json.dumps(wanted))
    return "installed"


def run(*command: str | Path) -> None:
    subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)


def write_mlserver_models(folder: Path = OUT / "mlserver-models") -> None:
    """Write the settings that MLServer reads: one folder per model, batching on for faces."""
    app, batches = "bench.peers.mlserver_app", {"max_batch_size": 16, "max_batch_time": 0.002}
    for name, more in (("face", batches), ("picture", {})):
        model = {"name": name, "implementation": f"{app}.{name.capitalize()}s", **more}
        place = folder / name / "model-settings.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(model | {"parameters": {"version": "1"}}))
    workers = len(os.sched_getaffinity(0))
    settings = {"debug": False, "parallel_workers": workers, "metrics_dir": str(folder / "metrics")}
    (folder / "settings.json").write_text(json.dumps(settings))


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m bench.peers.install")
    parser.add_argument("peers", nargs="*", choices=PEERS, metavar="peer")
    OUT.mkdir(parents=True, exist_ok=True)
    for name in parser.parse_args().peers or PEERS:
        print(f"{name} {set_up(name)}", flush=True)
    write_mlserver_models()
    if not (OUT / "unet-onnx/network.onnx").is_file():  # in fp32: what a user would run
        source = ("models/simple_unet.pth", "--engine", "onnxruntime")
        run(sys.executable, "-m", "predictor.convert", *source, "--out", OUT / "unet-onnx")
