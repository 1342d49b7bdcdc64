"""The served predictor on a card, under callers over gRPC."""

import subprocess
from pathlib import Path

from bench.dataplane.run import load, start
from tools.processes import find_ports

CLIENTS = (1, 16, 64)


def measure_served(checkpoint: Path, dry: bool) -> list[dict]:
    """Serve with the engine `cuda` (a dry run: `eager`) and let callers ask for one face each."""
    engine = "eager" if dry else "cuda"
    ports = find_ports()
    settings = {"LANDMARKS_ENGINE": engine, "LANDMARKS_MODEL": str(checkpoint)}
    try:
        predictor = start("predictor", (ports.rest, ports.grpc), **settings)
    except RuntimeError as error:
        return [{"engine": engine, "clients": 0, "failed": str(error)[-300:]}]
    rows = []
    try:
        for clients in CLIENTS[:1] if dry else CLIENTS:
            seconds = ["--seconds", 0.5 if dry else 10, "--warm", 0.2 if dry else 2]
            told = load("--to-grpc", predictor.grpc, "--clients", clients, *seconds)
            row = {
                "engine": engine,
                "clients": clients,
                "faces_a_second": told["per_second"],
                "p50_ms": told["ms"].get("p50"),
                "p99_ms": told["ms"].get("p99"),
                "codes": told["codes"],
                "peak_rss_mib": round(predictor.read_memory("VmHWM")),
                "card_mib": None if dry else read_card_memory(predictor.process.pid),
            }
            if set(told["codes"]) != {"200"}:
                row["failed"] = "not all were answered"
            rows.append(row)
    finally:
        predictor.stop()
    return rows


def read_card_memory(pid: int) -> int | None:
    """Read how much of the card's memory a process has, in MiB; None where that isn't told."""
    command = [
        "nvidia-smi",
        "--query-compute-apps=pid,used_memory",
        "--format=csv,noheader,nounits",
    ]
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    rows = [line.split(",") for line in text.splitlines() if line.count(",") == 1]
    found = [used.strip() for number, used in rows if number.strip() == str(pid)]
    return int(found[0]) if found and found[0].isdecimal() else None
