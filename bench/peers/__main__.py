"""Measure the service beside its peers: python -m bench.peers [--only NAME,...].

Rounds go through all servers in turn, so that a slow minute of the machine hits all of them. Writes
out/peers/peers.json and prints its table. PEERS.md is the record of a run; the tag v0.2-wide has
programs for more workloads, faults and peers.
"""

import json
import os
import signal
import statistics
import sys
import time
from argparse import Namespace
from pathlib import Path

from bench.machine import describe_machine
from bench.peers.measure import measure_server
from bench.peers.table import OUT, SERVERS, Server, make_works
from tools.command import command
from transformer.detectors import find_detector


def choose_servers(only: str) -> list[Server]:
    """Choose servers by name; raises ValueError for a name that is not there."""
    names = [server.name for server in SERVERS]
    chosen = list(filter(None, only.split(","))) or names
    if unknown := set(chosen) - set(names):
        raise ValueError(f"There is no peer '{', '.join(unknown)}'; there are {', '.join(names)}.")
    return [server for server in SERVERS if server.name in chosen]


def find_missing(server: Server, detector: str) -> str:
    """Say why a server can't run here, if so."""
    if server.settings.get("PEERS_PIPELINE") == "user" and "yunet" not in detector:
        return f"cv2.FaceDetectorYN takes YuNet, and the detector is {Path(detector).name}"
    there = all(Path(words.split()[0]).is_file() for words in server.commands)
    return "" if there else "not installed: `make images peers-setup`"


def make_table(rounds: dict[str, list[dict]], work: str, levels: list[int]) -> list[str]:
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


def measure(asked: Namespace) -> None:
    """Measure in rounds, print the tables and write what was found."""
    given = os.environ.get("LANDMARKS_DETECTOR")
    detector = str(find_detector(Path(given) if given else None).resolve())
    servers, works, wanted = choose_servers(asked.only), make_works(), dict[str, object]()
    rounds: dict[str, list[dict]] = {server.name: [] for server in servers}
    for number in range(asked.rounds):
        for server in servers:
            missing = find_missing(server, detector)
            how = works, asked.callers, asked.seconds, wanted
            row = {"problem": missing} if missing else measure_server(server, detector, *how)
            print(f"round {number + 1}, {server.name}: {row.get('problem', 'done')}", flush=True)
            rounds[server.name].append(row)
    OUT.mkdir(parents=True, exist_ok=True)
    result = {"machine": describe_machine(), "date": time.strftime("%Y-%m-%d"), "rounds": rounds}
    (OUT / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
    for work in works:
        print("\n".join(["", *make_table(rounds, work, asked.callers)]))
    for name, rows in rounds.items():
        for row in [row for row in rows if "memory" in row][-1:]:
            print(f"{name}: {row['memory']['pss_mb']} MB, {row['start']['s']} s to start")


def main() -> None:
    """Measure by a command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers end with us
    only = {"default": "", "metavar": "NAME,..."}
    callers = {"type": int, "nargs": "+", "default": [1, 16, 64]}
    cells = {"rounds": 3, "seconds": 3.0}  # seconds of each cell
    with command(__doc__, None, only=only, callers=callers, **cells) as asked:
        measure(asked)


if __name__ == "__main__":
    main()
