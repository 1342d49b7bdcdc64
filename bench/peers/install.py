"""Set up an environment for each peer: python -m bench.peers.install [NAME ...].

A peer that cannot be installed is named with pip's last line; the others go on.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.peers.table import APPS, OUT
from tools.processes import ROOT

REQUIREMENTS = ROOT / "bench/peers/requirements"
PYTHONS = {"pytriton": "/usr/bin/python3.11"}  # its server takes the distribution's alone


def set_up(name: str) -> str:
    """Make the environment of a peer; return what to say of it."""
    folder, wanted = OUT / name, REQUIREMENTS / f"{name}.txt"
    done = folder / "done.txt"
    text = wanted.read_text() + (REQUIREMENTS / "common.txt").read_text()
    if done.is_file() and done.read_text() == text:
        return "is installed"
    try:
        run(PYTHONS.get(name, sys.executable), "-m", "venv", "--clear", folder)
        run(folder / "bin/python", "-m", "pip", "install", "--quiet", "-r", wanted)
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        return f"does not install: {said[-1][:200] if said else 'no word why'}"
    done.write_text(text)
    return "installed"


def run(*command: str | Path) -> None:
    subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)


def export_network() -> None:
    """Write the network as ONNX, fp32: what a user would run."""
    if not (OUT / "unet-onnx/network.onnx").is_file():
        source = ("models/simple_unet.pth", "--engine", "onnxruntime")
        run(sys.executable, "-m", "predictor.convert", *source, "--out", OUT / "unet-onnx")


def write_mlserver_models(folder: Path = OUT / "mlserver-models") -> None:
    """Write the settings that MLServer reads: one folder per model, batching on for faces."""
    models: dict[str, dict[str, object]] = {
        "face": {"implementation": f"{APPS}.mlserver_app.Faces", "max_batch_size": 16},
        "picture": {"implementation": f"{APPS}.mlserver_app.Pictures"},
    }
    models["face"]["max_batch_time"] = 0.002
    for name, model in models.items():
        place = folder / name / "model-settings.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"name": name, **model, "parameters": {"version": "1"}}))
    workers = len(os.sched_getaffinity(0))
    settings = {"debug": False, "parallel_workers": workers, "metrics_dir": str(folder / "metrics")}
    (folder / "settings.json").write_text(json.dumps(settings))


def main() -> None:
    known = sorted(path.stem for path in REQUIREMENTS.glob("*.txt") if path.stem != "common")
    wanted = sys.argv[1:] or known
    for name in wanted:
        if name not in known:
            print(f"There is no peer '{name}'; there are {', '.join(known)}.", file=sys.stderr)
            raise SystemExit(2)
    OUT.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        print(f"{name} {set_up(name)}", flush=True)
    write_mlserver_models()
    export_network()


if __name__ == "__main__":
    main()
