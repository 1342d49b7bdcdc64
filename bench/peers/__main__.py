"""Measure the service beside its peers: python -m bench.peers [--only NAME,...].

Rounds go through all servers in turn, so that a slow minute of the machine hits all of them. Writes
out/peers/peers.json and prints its table. PEERS.md is the record of the run of 2026-11-26, with
more workloads, faults and peers; the programs of that one are in the tag v0.2-wide.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import time
from pathlib import Path

from bench.machine import describe_machine
from bench.peers.measure import measure_server
from bench.peers.table import OUT, SERVERS, Server, make_works
from transformer.detectors import DetectorError, find_detector


def choose_servers(only: str) -> list[Server]:
    """Choose servers by name; exits with one sentence for a name that is not there."""
    names = [server.name for server in SERVERS]
    for name in filter(None, only.split(",")):
        if name not in names:
            print(f"There is no peer '{name}'; there are {', '.join(names)}.", file=sys.stderr)
            raise SystemExit(2)
    return [server for server in SERVERS if not only or server.name in only.split(",")]


def find_missing(server: Server, detector: str) -> str:
    """Say why a server can't run here, if so."""
    if server.settings.get("PEERS_PIPELINE") == "user" and "yunet" not in detector:
        return f"cv2.FaceDetectorYN takes YuNet, and the detector is {Path(detector).name}"
    there = all(Path(command[0]).is_file() for command in server.commands)
    return "" if there else "not installed: `make images peers-setup`"


def make_table(rounds: dict[str, list[dict]], work: str, levels: tuple[int, ...]) -> list[str]:
    """Make a table of medians: requests a second, p50 / p99 in ms, processor ms."""
    lines = [f"| {work} | " + " | ".join(f"{level} callers" for level in levels) + " |"]
    lines.append("|---" * (1 + len(levels)) + "|")
    for name, rows in rounds.items():
        good = [row[work] for row in rows if work in row]
        if not good:
            if said := next((row["problem"] for row in rows if "problem" in row), ""):
                lines.append(f"| {name} | {said} |")
            continue
        texts = []
        for level in map(str, levels):
            keys = ("per_second", "p50", "p99", "cpu_ms")
            cells = [row[level] for row in good]
            calm = [cell for cell in cells if "noisy" not in cell]
            speed, p50, p99, cpu = (
                statistics.median(cell[key] or 0 for cell in calm or cells) for key in keys
            )
            noisy = "" if calm else " (noisy)"
            texts.append(f"{speed:.4g}, {p50:.0f} / {p99:.0f}, {cpu:.3g}{noisy}")
        lines.append(f"| {name} | {' | '.join(texts)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME,...")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each cell")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 16, 64])
    a = parser.parse_args()
    given = os.environ.get("LANDMARKS_DETECTOR")
    try:
        detector = str(find_detector(Path(given) if given else None).resolve())
    except DetectorError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers end with us
    servers, levels, works = choose_servers(a.only), tuple(a.callers), make_works()
    wanted: dict[str, object] = {}
    rounds: dict[str, list[dict]] = {server.name: [] for server in servers}
    for number in range(a.rounds):
        for server in servers:
            missing = find_missing(server, detector)
            row = {"problem": missing} if missing else {}
            row = row or measure_server(server, works, levels, a.seconds, detector, wanted)
            print(f"round {number + 1}, {server.name}: {row.get('problem', 'done')}", flush=True)
            rounds[server.name].append(row)
    OUT.mkdir(parents=True, exist_ok=True)
    result = {"machine": describe_machine(), "date": time.strftime("%Y-%m-%d"), "rounds": rounds}
    (OUT / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
    for work in works:
        print("\n".join(["", *make_table(rounds, work, levels)]))
    for name, rows in rounds.items():
        if any("memory" in row for row in rows):
            last = next(row for row in rows[::-1] if "memory" in row)
            print(f"{name}: {last['memory']['pss_mb']} MB, {last['start']['s']} s to start")


if __name__ == "__main__":
    main()
