"""Which machine the figures are of, the folder that holds them, and their tables."""

import csv
import os
import platform
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from predictor.engines.hardware import list_features

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"
SHOWN = RESULTS / "xeon-amx"  # the machine whose ledger docs/performance.md shows
MAKES = ("EPYC", "Xeon", "Ryzen", "Core", "Neoverse", "Apple")


def name_cpu() -> str:
    """Return the CPU's name as the kernel gives it."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
    return found[1] if found else platform.machine()


def name_folder(cpu: str, features: frozenset[str]) -> str:
    """Return the name of a machine's results: its make, and AMX where it has that."""
    make = next((make.lower() for make in MAKES if make in cpu), platform.machine())
    return f"{make}-amx" if features & {"amx_int8", "amx_bf16"} else make


def results_folder() -> Path:
    """Return the folder of this machine's results; make it where there is none."""
    folder = RESULTS / name_folder(name_cpu(), list_features())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def describe_machine() -> dict:
    """Return the CPU, how many of its cores this process may use, and the commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    return {"cpu": name_cpu(), "cpus": len(os.sched_getaffinity(0)), "commit": commit}


def time_product() -> float:
    """Return the seconds of a fixed product of matrices (median of 9): the machine's speed now."""
    matrix, times = np.ones((400, 400), np.float32), []
    for _ in range(9):
        begun = time.perf_counter()
        for _ in range(4):
            matrix @ matrix
        times.append(time.perf_counter() - begun)
    return sorted(times)[4]


def read_csv(table: Path) -> list[dict[str, str]]:
    """Return a table's rows. Raises FileNotFoundError where there is none."""
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def write_csv(table: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table; its columns are those of the first row."""
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
