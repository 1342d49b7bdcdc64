"""Time the shapes through OpenVINO on one thread, in turns, and write shapes.csv of this machine.

    python -m bench.shapes.speed --data FACES --width 12

Weights are random: they change no time. int8 is quantised as the shipped network is.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import openvino as ov
import torch

from bench.csv_file import read_csv, write_csv
from bench.engine.networks import OUT
from bench.machine import results_folder
from bench.shapes.networks import Shape, ShapedUNet, count_multiplications, list_shapes
from predictor.decode import Floats
from predictor.engines.base import Engine
from predictor.engines.hardware import BF16, list_features
from predictor.engines.openvino import Bf16Engine, OpenVinoEngine
from predictor.export.calibration import load_faces
from predictor.export.quantise import quantise
from predictor.landmarks import DEFAULT

FOLDER = OUT / "shapes"
BATCHES = (1, 8)
ENGINES = {"fp32": OpenVinoEngine, "bf16": Bf16Engine, "int8": OpenVinoEngine}
CALIBRATE = 64  # faces; more of them move ranges, not times
TURN = 0.05  # seconds
PEAK = """
import sys, numpy
from bench.engine.worker import read_peak
from predictor.engines.openvino import OpenVinoEngine
OpenVinoEngine("", sys.argv[1], True, 1).predict(numpy.zeros((8, 1, 96, 96), "f"))
print(read_peak())
"""  # in a process of its own, without torch


def read_shape(net: torch.nn.Module) -> ov.Model:
    """Bring a network of any shape into OpenVINO, its layers named as in torch."""
    model = ov.convert_model(
        net.eval(), example_input=torch.zeros(1, 1, DEFAULT.side, DEFAULT.side)
    )
    model.reshape([1, 1, DEFAULT.side, DEFAULT.side])
    for op in model.get_ops():
        op.set_friendly_name(op.get_friendly_name().removeprefix("__module."))
    return model


def settle(net: ShapedUNet, faces: Floats) -> None:
    """Give BatchNorms the statistics of random weights on faces, as quantising needs ranges."""
    for norm in net.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.momentum = None  # the plain mean
    with torch.no_grad():
        net.train()(torch.from_numpy(faces))


def export_shape(name: str, width: int, shape: Shape, faces: Floats) -> dict[str, Path]:
    """Write a shape's fp32 and int8 models, where they are not there yet."""
    stem = f"{width} {name}".replace(" ", "-").replace(",", "").replace("/", "-")
    paths = {kind: FOLDER / f"{stem}-{kind}.xml" for kind in ("fp32", "int8")}
    if not all(path.is_file() for path in paths.values()):
        torch.manual_seed(0)
        net = ShapedUNet(shape)
        settle(net, faces)
        ov.save_model(read_shape(net), paths["fp32"], compress_to_fp16=False)
        ov.save_model(quantise(read_shape(net), faces), paths["int8"], compress_to_fp16=False)
        print(stem, flush=True)
    return paths | {"bf16": paths["fp32"]}


def time_turn(engine: Engine, faces: Floats) -> list[float]:
    """Time faces to landmarks for a turn: milliseconds of processor time a face.

    What else runs on the machine lengthens that less than seconds.
    """
    engine.predict(faces)
    times, until = [], time.process_time() + TURN
    while time.process_time() < until:
        begun = time.process_time()
        engine.predict(faces)
        times.append((time.process_time() - begun) * 1e3 / len(faces))
    return times


def main() -> None:
    """Export and time the shapes of a width, and put their rows into the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of faces with index.csv")
    parser.add_argument("--width", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=60, help="of timing")
    parser.add_argument("--export", action="store_true", help="write the models, and time nothing")
    parser.add_argument("--out", type=Path, default=results_folder() / "shapes.csv")
    a = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    faces = load_faces(a.data, DEFAULT, CALIBRATE)
    shapes = list_shapes(a.width)
    paths = {name: export_shape(name, a.width, shape, faces) for name, shape in shapes.items()}
    if a.export:
        return
    kinds = [kind for kind in ENGINES if kind != "bf16" or BF16.is_in(list_features())]
    engines = {
        (name, kind): ENGINES[kind](name, paths[name][kind], True, 1)
        for name in shapes
        for kind in kinds
    }
    times: dict[tuple, list[float]] = {}
    begun, rounds = time.perf_counter(), 0
    while time.perf_counter() - begun < a.seconds or rounds < 3:
        for key, engine in engines.items():
            for batch in BATCHES:
                times.setdefault((*key, batch), []).extend(time_turn(engine, faces[:batch]))
        rounds += 1
    print(f"{rounds} rounds")
    medians = {k: float(np.median(v)) for k, v in times.items()}
    write_rows(a.out, a.width, shapes, medians, {k: find_peak(v["int8"]) for k, v in paths.items()})


def find_peak(model: Path) -> str:
    """Find the peak memory in MB of a process with a model and eight faces."""
    run = subprocess.run([sys.executable, "-c", PEAK, model], capture_output=True, check=True)
    return f"{float(run.stdout):.0f}"


def write_rows(
    out: Path,
    width: int,
    shapes: dict[str, Shape],
    medians: dict[tuple, float],
    peaks: dict[str, str],
) -> None:
    """Put a width's rows in the place of its earlier ones."""
    before = read_csv(out) if out.is_file() else []
    rows = [row for row in before if row["width"] != str(width)]
    for name, shape in shapes.items():
        net = ShapedUNet(shape)
        row = {"width": str(width), "shape": name}
        row["parameters"] = str(sum(p.numel() for p in net.parameters()))
        row["mmultiplications"] = f"{count_multiplications(net) / 1e6:.1f}"
        for (of, kind, batch), ms in medians.items():
            if of == name:
                row[f"{kind}_{batch}_ms"] = f"{ms:.3f}"
                row[f"{kind}_{batch}_share"] = f"{ms / medians['shipped', kind, batch]:.3f}"
        rows.append(row | {"int8_peak_mb": peaks[name]})
    write_csv(out, rows, list(rows[-1]))
    print(out)


if __name__ == "__main__":
    main()
