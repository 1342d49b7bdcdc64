"""Set up an environment a peer: python -m bench.peers.install [NAME ...]; `make peers-setup`.

A peer that can't be had is told in one sentence, and in its row of PEERS.md; the others go on.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from bench.dataplane.run import IMAGES
from bench.peers.table import OUT, Server
from tools.processes import ROOT

REQUIREMENTS = ROOT / "bench/peers/requirements"
PYTHONS = {"pytriton": "/usr/bin/python3.11"}  # its server takes the distribution's alone
LIST = (
    "import importlib.metadata as m, json;"
    "print(json.dumps({d.name: d.version for d in m.distributions()}))"
)


def set_up(name: str) -> str:
    """Make the environment of a peer; gives the reason where it can't be made, else nothing."""
    folder, wanted = OUT / name, REQUIREMENTS / f"{name}.txt"
    done = folder / "done.txt"
    text = wanted.read_text() + (REQUIREMENTS / "common.txt").read_text()
    if done.is_file() and done.read_text() == text:
        return ""
    failed = OUT / f"{name}.failed"
    failed.unlink(missing_ok=True)
    python = PYTHONS.get(name, sys.executable)
    try:
        run(python, "-m", "venv", "--clear", folder)
        run(folder / "bin/python", "-m", "pip", "install", "--quiet", "-r", wanted)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        lines = [line for line in said.splitlines() if line.strip()]
        reason = f"It does not install: {lines[-1].strip()[:200] if lines else 'no word why'}"
        failed.write_text(reason)
        return reason
    done.write_text(text)
    return ""


def run(*command: str | Path) -> None:
    subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)


def export_network() -> None:
    """Write the network as ONNX, fp32: what a user would run."""
    if not (OUT / "unet-onnx/unet.onnx").is_file():
        command = (sys.executable, "-m", "predictor.export", "--engine", "onnxruntime", "--no-tune")
        run(*command, "--out", OUT / "unet-onnx")


def find_missing(server: Server, detector: str) -> Server:
    """Say in the row of a server why it can't run here, if so."""
    if server.settings.get("PEERS_PIPELINE") == "user" and "yunet" not in detector:
        said = f"cv2.FaceDetectorYN takes YuNet, and the detector here is {Path(detector).name}."
        return replace(server, missing=said)
    program = Path(server.commands[0][0])
    failed = OUT / f"{program.parent.parent.name}.failed"
    if failed.is_file():
        return replace(server, missing=failed.read_text())
    if not program.is_file():
        target = "images" if program.is_relative_to(IMAGES) else "peers-setup"
        return replace(server, missing=f"It is not installed: `make {target}`.")
    return server


def read_versions(servers: list[Server]) -> dict[str, dict[str, str]]:
    """Read the versions of what each server's environment has that matters."""
    versions = {}
    for server in servers:
        if server.missing:
            continue
        python = Path(server.commands[0][0]).parent / "python"
        found = json.loads(subprocess.check_output([python, "-c", LIST], text=True))
        names = (server.package, "openvino", "onnxruntime", "opencv-python-headless", "numpy")
        versions[server.name] = {name: found[name] for name in names if name in found}
    return versions


def main() -> None:
    known = sorted(path.stem for path in REQUIREMENTS.glob("*.txt") if path.stem != "common")
    wanted = sys.argv[1:] or known
    for name in wanted:
        if name not in known:
            print(f"There is no peer '{name}'; there are {', '.join(known)}.", file=sys.stderr)
            raise SystemExit(2)
    OUT.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        print(f"{name}: {set_up(name) or 'installed'}", flush=True)
    export_network()


if __name__ == "__main__":
    main()
