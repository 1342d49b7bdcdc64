"""Where a network's time goes, layer by layer: python -m bench.engine.profile --model FILE.

The engine is loaded as the predictor loads it, with OpenVINO's counters on. Writes a row for each
layer into out/profile-NAME.csv, and prints what each kind of layer and the slowest layers take.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from bench.machine import write_csv
from predictor.engines import ENGINES, Engine, load_engine
from predictor.engines.golden import load_face

ROUNDS, SHOWN = 60, 12
requests: list[tuple[ov.CompiledModel, ov.InferRequest]] = []  # of the engine, once it is loaded


class CountingModel:
    """A compiled model that remembers its requests; all else is OpenVINO's."""

    def __init__(self, model: ov.CompiledModel):
        self.model = model

    def create_infer_request(self) -> ov.InferRequest:
        requests.append((self.model, self.model.create_infer_request()))
        return requests[-1][1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


class CountingCore(ov.Core):
    """Compiles with the counters of each layer on."""

    def compile_model(self, model: Any, device: Any = "CPU", config: Any = None) -> Any:
        counted = {**(config or {}), "PERF_COUNT": True}
        return CountingModel(super().compile_model(model, device, counted))


def load_counted(name: str, model: Path) -> Engine:
    """Load an engine with counters; raises ValueError where it is not one of OpenVINO's."""
    plain, ov.Core = ov.Core, CountingCore
    try:
        engine = load_engine(name, model)
    finally:
        ov.Core = plain
    if not requests:
        raise ValueError(f"{engine.name} does not run on OpenVINO, whose counters these are.")
    return engine


def profile(engine: Engine) -> list[dict[str, Any]]:
    """Time each layer on one face, the least of 60 runs: rows, the slowest first."""
    face = load_face(engine.size, engine.channels)  # [1, 1, S, S]
    engine.predict(face)
    ran = [pair for pair in requests if pair[1].input_tensors[0].shape[0] == 1]
    compiled, request = ran[-1]
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        engine.predict(face)
        for node in request.profiling_info:
            times[node.node_name].append(node.real_time.total_seconds() * 1e3)
    work = {op.get_friendly_name(): op for op in compiled.get_runtime_model().get_ops()}
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
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/simple_unet.pth"))
    parser.add_argument("--engine", default="auto", choices=["auto", *ENGINES])
    parser.add_argument("--out", type=Path, help="the .csv to write")
    a = parser.parse_args()
    try:
        engine = load_counted(a.engine, a.model)
        rows = profile(engine)
    except (ValueError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    show(engine.name, rows)
    out = a.out or Path("out") / f"profile-{a.model.stem}-{engine.name}.csv"
    out.parent.mkdir(parents=True, exist_ok=True)
    write_csv(out, rows)
    print(out)


if __name__ == "__main__":
    main()
