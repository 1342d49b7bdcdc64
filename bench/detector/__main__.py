"""Measure each way to find faces and write detectors.csv of this machine: see `make detectors`.

    python -m bench.detector --data DATA --yunet FILE [--centerface FILE] [--blazeface FOLDER]

DATA has pictures/ and faces/. Times are processor time of one thread for a picture of 640x480
with one face (and of 1024x1024, which is made smaller first), taken in turns. Faces found are
those of the first row; boxes are compared with those of the detector's own first row.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.csv_file import write_csv
from bench.detector.pictures import (
    CANVAS,
    Counts,
    compare,
    lay_on_grey,
    measure_nme,
    read_labelled,
    read_sets,
)
from bench.detector.steps import Quantised, Step, list_steps
from bench.machine import results_folder
from bench.usage import time_in_turns
from predictor.engines import load_engine
from transformer.detectors.base import Detector, Floats

CHECKPOINT = Path("models/simple_unet.pth")


Boxes = dict[str, list[Floats]]  # of each picture of each set


def count_faces(boxes: Boxes, wanted: Boxes) -> dict[str, Counts]:
    """Compare the boxes of all pictures with others, set by set."""
    counts = {name: Counts() for name in boxes}
    for name, found in boxes.items():
        for mine, theirs in zip(found, wanted[name], strict=True):
            compare(mine, theirs, counts[name])
    return counts


def summarise(name: str, times: list[float]) -> dict[str, float]:
    return {
        f"{name}_median": round(float(np.median(times)), 2),
        f"{name}_min": round(min(times), 2),
    }


def make_row(
    step: Step, detector: Detector, counts: dict[str, Counts], own: Boxes, boxes: Boxes
) -> dict[str, Any]:
    """Make a row of the table, without times and accuracy."""
    overlaps = [o for c in count_faces(boxes, own).values() for o in c.overlaps]
    return {
        "detector": detector.name,
        "step": step.name,
        "verdict": step.verdict,
        "runtime": detector.runtime,
        "precision": detector.precision,
        **{name: f"{c.found} of {c.faces}" for name, c in counts.items()},
        "lost": sum(c.faces - c.found for c in counts.values()),
        "extra": sum(c.extra for c in counts.values()),
        "iou_mean": round(float(np.mean(overlaps)), 4),
        "iou_min": round(float(np.min(overlaps)), 3),
    }


def main() -> None:
    """Measure all steps and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures/ and faces/")
    parser.add_argument("--yunet", type=Path, required=True)
    parser.add_argument("--centerface", type=Path)
    parser.add_argument("--blazeface", type=Path, help="folder of its .tflite files")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--out", type=Path, default=results_folder() / "detectors.csv")
    a = parser.parse_args()
    cv2.setNumThreads(1)
    sets, labelled = read_sets(a.data), read_labelled(a.data)
    Quantised.pictures = sets["groups"]
    engine = load_engine("auto", CHECKPOINT, None, 1)
    steps = list_steps(a.yunet, a.centerface, a.blazeface)
    detectors = [step.load() for step in steps]
    photo = sets["portraits"][0]  # 1024x1024
    picture, _ = lay_on_grey(np.asarray(cv2.resize(photo, (480, 480)), np.uint8), CANVAS)
    looks = [partial(detector.detect, picture) for detector in detectors]
    times = time_in_turns(looks, a.rounds, warm=3)
    any_shape = [d for d, step in zip(detectors, steps, strict=True) if not step.one_shape]
    looks = [partial(detector.detect, photo) for detector in any_shape]
    photo_times = time_in_turns(looks, a.rounds, warm=3)
    first: dict[str, Boxes] = {}  # of each detector
    rows: list[dict[str, Any]] = []
    for step, detector, taken in zip(steps, detectors, times, strict=True):
        if step.one_shape:
            rows.append({"detector": detector.name, "step": step.name, "verdict": step.verdict})
            rows[-1] |= {"runtime": detector.runtime, "precision": detector.precision}
        else:
            boxes = {n: [detector.detect(p)[0] for p in pictures] for n, pictures in sets.items()}
            own = first.setdefault(detector.name, boxes)
            counts = count_faces(boxes, next(iter(first.values())))
            rows.append(make_row(step, detector, counts, own, boxes))
            for name, faces in labelled.items():
                error, lost = measure_nme(detector, engine, faces)
                rows[-1] |= {f"{name}_nme": round(error, 5), f"{name}_lost": lost}
        rows[-1] |= summarise("cpu_ms", taken)
        if not step.one_shape:
            rows[-1] |= summarise("photo_cpu_ms", photo_times.pop(0))
        print(*rows[-1].values(), sep=" | ", flush=True)
    write_csv(a.out, rows)
    print(a.out)


if __name__ == "__main__":
    main()
