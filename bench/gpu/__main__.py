"""Check and measure the network on a card: make gpu-check.

    python -m bench.gpu [--out FOLDER]

It takes this checkout and an environment with a torch built for CUDA, and no network. It writes
gpu.json and gpu.md. Exit codes: 0 all agreed and ran, 1 something did not, 2 there is no card.
`--device cpu` goes through the motions without one, for this program's own test: what it
writes says so, and is no result.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from bench.gpu.numerics import compare_engines
from bench.gpu.served import measure_served
from bench.gpu.speed import measure_peaks, measure_speed
from bench.gpu.table import write_table
from bench.machine import RESULTS, describe_machine

NO_CARD = 2


def find_card() -> str:
    """Name the card; exits with one sentence and code 2 where there is none."""
    if not torch.cuda.is_available():
        print(
            f"gpu-check: there is no NVIDIA GPU here that torch {torch.__version__} can use; "
            "nothing was measured.",
            file=sys.stderr,
        )
        raise SystemExit(NO_CARD)
    return torch.cuda.get_device_name()


def name_results(card: str) -> Path:
    """Name the folder of a card's results as bench/results names machines."""
    return RESULTS / "-".join(card.lower().replace("/", " ").split())


def main() -> int:
    parser = argparse.ArgumentParser(description="Check and measure the network on a card.")
    parser.add_argument("--checkpoint", type=Path, default=Path("models/simple_unet.pth"))
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    dry = asked.device == "cpu"
    card = "none: a dry run on the CPU" if dry else find_card()
    out = asked.out or (Path("out/gpu-dry") if dry else name_results(card))
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {
        "result": not dry,
        "card": card,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "machine": describe_machine(),
        "numerics": compare_engines(asked.checkpoint, dry),
        "peak_tflops": measure_peaks(asked.device),
        "speed": measure_speed(asked.checkpoint, asked.device),
        "served": measure_served(asked.checkpoint, dry),
    }
    (out / "gpu.json").write_text(json.dumps(found, indent=1) + "\n")
    text = write_table(found)
    (out / "gpu.md").write_text(text)
    print(text)
    print(f"written to {out}")
    agreed = all(row["agrees"] for row in found["numerics"])
    ran = not any(row.get("failed") for row in [*found["speed"], *found["served"]])
    return 0 if agreed and ran else 1


if __name__ == "__main__":
    sys.exit(main())
