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

from predictor.engines.choice import list_features
from tools.processes import ROOT

MAKES = ("EPYC", "Xeon", "Ryzen", "Core", "Neoverse", "Apple")


def name_cpu() -> str:
    """Return the CPU's name as the kernel gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
    return found[1] if found else platform.processor() or platform.machine()


def make_results_folder() -> Path:
    """Make the folder of this machine's results, named by its make, and by AMX if it has that."""
    make = next((make.lower() for make in MAKES if make in name_cpu()), platform.machine())
    amx = "-amx" if list_features() & {"amx_int8", "amx_bf16"} else ""
    folder = ROOT / f"bench/results/{make}{amx}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def describe_machine() -> dict:
    """Return the CPU, how many of its cores this process may use, and the commit."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
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


def write_table(table: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as a table, whose columns are those of the first, and say where."""
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(table)
