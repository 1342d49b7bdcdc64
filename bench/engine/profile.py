"""Where a network's time goes, layer by layer: python -m bench.engine.profile --model FILE.

The engine is loaded as the predictor loads it, with OpenVINO's counters on. Writes a row for each
layer into out/profile-NAME.csv, and prints what each kind of layer and the slowest layers take.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import openvino as ov

from bench.machine import write_table
from predictor.engines import ENGINES, load_engine
from predictor.engines.golden import load_face
from predictor.engines.openvino import OpenVinoEngine
from tools.command import command

ROUNDS, SHOWN = 60, 12


class CountingCore(ov.Core):
    """Compiles with the counters of each layer on."""

    def __init__(self) -> None:
        super().__init__()
        self.set_property("CPU", {"PERF_COUNT": True})


def load_counted(name: str, model: Path) -> OpenVinoEngine:
    """Load an engine with counters; raises ValueError where it is not one of OpenVINO's."""
    with patch.object(ov, "Core", CountingCore):
        engine = load_engine(name, model)
    if not isinstance(engine, OpenVinoEngine):
        raise ValueError(f"{engine.name} does not run on OpenVINO, whose counters these are.")
    return engine


def profile(engine: OpenVinoEngine) -> list[dict[str, Any]]:
    """Time each layer on one face, the least of 60 runs: rows, the slowest first."""
    face, request = load_face(engine.size, engine.channels), engine.requests[min(engine.sizes)]
    engine.predict(face)
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        engine.predict(face)
        for node in request.profiling_info:
            times[node.node_name].append(node.real_time.total_seconds() * 1e3)
    graph = request.get_compiled_model().get_runtime_model()
    work = {op.get_friendly_name(): op for op in graph.get_ops()}
    total = sum(min(some) for some in times.values())
    rows = []
    for name, some in times.items():
        ms, op = min(some), work.get(name)
        if op is None or ms <= 0:
            continue
        kind = str(op.get_rt_info()["layerType"].astype(str))
        operations, moved = count_work(op, kind)
        rows.append(
            {
                "layer": name,
                "kind": kind,
                "ms": round(ms, 4),
                "share_of_time": round(ms / total, 4),
                "mflop": round(operations / 1e6, 2),
                "kbytes": round(moved / 1e3, 1),
                "gflop_per_s": round(operations / ms / 1e6, 1),
            }
        )
    return sorted(rows, key=lambda row: -row["ms"])


def count_work(op: ov.Node, kind: str) -> tuple[float, float]:
    """Count a layer's operations (a multiplication and its addition are two) and bytes."""
    inputs = op.inputs()
    moved = sum(i.get_tensor().size for i in inputs) + op.output(0).get_tensor().size
    if kind != "Convolution":
        return 0.0, float(moved)
    weight = inputs[1].get_shape()  # [O, I, k, k]
    pixels = np.prod(op.output(0).get_shape()[2:])
    return 2.0 * float(np.prod(weight)) * float(pixels), float(moved)


def show(engine: str, rows: list[dict[str, Any]]) -> None:
    """Print the network's whole, each kind's share, and the slowest layers."""
    ms, mflop = sum(r["ms"] for r in rows), sum(r["mflop"] for r in rows)
    print(f"{engine}: {len(rows)} layers, {ms:.2f} ms, {mflop:.0f} MFLOP, {mflop / ms:.0f} GFLOP/s")
    shares: dict[str, float] = defaultdict(float)
    for row in rows:
        shares[row["kind"]] += row["share_of_time"]
    for kind, share in sorted(shares.items(), key=lambda pair: -pair[1]):
        print(f"  {share:6.1%}  {kind}")
    print("the slowest layers:")
    for row in rows[:SHOWN]:
        print(f"  {row['share_of_time']:6.1%}  {row['ms']:.3f} ms  {row['layer']} ({row['kind']})")


def main() -> None:
    """Profile by a command line."""
    engines = {"default": "auto", "choices": ["auto", *ENGINES]}
    out = {"type": Path, "help": "the .csv to write"}
    model = Path("models/simple_unet.pth")
    with command(__doc__, None, model=model, engine=engines, out=out) as asked:
        engine = load_counted(asked.engine, asked.model)
        rows = profile(engine)
        show(engine.name, rows)
        name = f"out/profile-{asked.model.stem}-{engine.name}.csv"
        write_table(asked.out or Path(name), rows)


if __name__ == "__main__":
    main()
