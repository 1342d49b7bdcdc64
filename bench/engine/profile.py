"""Where the network's time goes: see `make profile`.

    python -m bench.engine.profile --data FACES

writes profile.csv, one row a layer and engine, and roofs.json: what the machine could do at most,
and how much of it each engine does; both into this machine's folder of bench/results.
"""

import argparse
import json
from pathlib import Path
from typing import Any, cast

from bench.csv_file import write_csv
from bench.engine.layers import Layer, count_operations, profile_engine
from bench.engine.networks import SHIPPED, find_export, make_wide
from bench.engine.roof import measure_roofs
from bench.engine.techniques import Technique
from bench.machine import results_folder
from predictor.engines.manifest import read_manifest
from predictor.engines.openvino import OpenVinoEngine
from predictor.engines.registry import find_kind

ENGINES = {"openvino": "fp32", "openvino-bf16": "bf16", "openvino-int8": "int8"}  # engine: roof


def summarise(layers: list[Layer], roof: float) -> dict[str, float]:
    """Sum up a network: its work, its time, and its share of the roof (1e9 operations/s)."""
    operations, ms = count_operations(layers), sum(layer.ms for layer in layers)
    convolutions = sum(layer.ms for layer in layers if layer.operations)
    return {
        "gflop": round(operations / 1e9, 3),
        "ms": round(ms, 3),
        "gflop_per_s": round(operations / ms / 1e6, 1),
        "share_of_roof": round(operations / ms / 1e6 / roof, 3),
        "share_of_time_in_convolutions": round(convolutions / ms, 3),
    }


def make_rows(layers: list[Layer], roof: float) -> list[dict[str, Any]]:
    """Make a row of each layer."""
    total = sum(layer.ms for layer in layers)
    return [
        {
            "layer": layer.name,
            "kind": layer.kind,
            "ms": round(layer.ms, 4),
            "share_of_time": round(layer.ms / total, 4),
            "mflop": round(layer.operations / 1e6, 2),
            "kbytes": round(layer.bytes / 1e3, 1),
            "gflop_per_s": round(layer.operations / layer.ms / 1e6, 1),
            "share_of_roof": round(layer.operations / layer.ms / 1e6 / roof, 3),
        }
        for layer in layers
    ]


def open_openvino(name: str, model: Path) -> OpenVinoEngine:
    """Open a model as the engine of this name does."""
    return cast(OpenVinoEngine, find_kind(name).import_engine()(name, model, True))


def main() -> None:
    """Profile both widths under each precision, and print the shares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of faces with index.csv")
    parser.add_argument("--out", type=Path, default=results_folder())
    a = parser.parse_args()
    roofs, profiles = measure_roofs(), {}
    for width, checkpoint in ((32, SHIPPED), (64, make_wide(a.data))):
        for name in ENGINES:
            folder = find_export(Technique(name, name, "alone", name), checkpoint, a.data)
            assert folder is not None
            model = folder / read_manifest(folder).model
            profiles[width, name] = profile_engine(open_openvino(name, model), model)
            again = measure_roofs()  # between engines: a noisy moment must not lower a roof
            roofs = {kind: max(value, again[kind]) for kind, value in roofs.items()}
    rows: list[dict[str, Any]] = []
    summary: dict[str, Any] = {"roofs": {kind: round(v, 1) for kind, v in roofs.items()}}
    for (width, name), layers in profiles.items():
        roof = roofs[ENGINES[name]]
        summary[f"width {width}, {name}"] = summarise(layers, roof)
        rows += [{"width": width, "engine": name} | row for row in make_rows(layers, roof)]
    write_csv(a.out / "profile.csv", rows)
    (a.out / "roofs.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
