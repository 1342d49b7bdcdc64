"""Measure what each level of `detect` finds and costs, and write docs/api.md's table.

    python -m bench.detector --data DATA --yunet FILE [--centerface FILE] [--grounds FOLDER]

DATA has faces/ and pictures/; GROUNDS photographs without a face, such as Debian's packages of
wallpapers have. Times are processor time of one thread, the picture being decoded.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.csv_file import write_csv
from bench.detector.crowds import CrowdMaker
from bench.detector.table import MARK, PAGE, TABLE, make_table
from tools.tables import write_page
from transformer.choices import Choices
from transformer.detectors import load_detector
from transformer.detectors.base import Detector
from transformer.detectors.scales import LEVELS
from transformer.picture import Picture
from transformer.settings import TransformerSettings
from transformer.way_up import find_faces

SIZES = ((4000, 3000), (1600, 1200), (640, 480))
SHARES = (0.5, 0.75, 1, 1.5, 2, 3, 4)  # percent of the long side
FACES = 40


def measure(
    detector: Detector, level: str, maker: CrowdMaker, size: tuple[int, int], pictures: int
) -> dict[str, Any]:
    """Measure a level on pictures of one size: a row of the table."""
    settings, choices = TransformerSettings(), Choices(level)

    def find(pixels: np.ndarray) -> tuple[np.ndarray, float]:
        begun = time.process_time()
        found = find_faces(detector, Picture.of_pixels(pixels), choices, settings)
        return found.corners, (time.process_time() - begun) * 1e3

    row: dict[str, Any] = {
        "detector": detector.name,
        "detect": level,
        "picture": f"{size[0]}x{size[1]}",
    }
    times, others = [], 0
    for share in SHARES:
        found = 0
        for number in range(pictures):
            crowd = maker.make_crowd(number, size, share / 100 * size[0], FACES)
            corners, taken = find(crowd.pixels)
            found += crowd.count_found(corners)
            others += len(corners)
            times.append(taken)
        others -= found
        row[f"{share} %"] = round(100 * found / (pictures * FACES))
    row["others"] = others
    row["cpu_ms_crowd"] = round(float(np.median(times)), 1)
    empty = [find(maker.make_ground(number, *size))[1] for number in range(3 * pictures)]
    return row | {"cpu_ms_empty": round(float(np.median(empty)), 1)}


def main() -> None:
    """Measure all levels and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of faces/ and pictures/")
    parser.add_argument("--yunet", type=Path, required=True)
    parser.add_argument("--centerface", type=Path)
    parser.add_argument("--grounds", type=Path, help="folder of photographs without a face")
    parser.add_argument("--pictures", type=int, default=3, help="of each size of face")
    a = parser.parse_args()
    cv2.setNumThreads(1)
    maker, rows = CrowdMaker(a.data, a.grounds), []
    for path in filter(None, (a.yunet, a.centerface)):
        detector = load_detector(path)
        for size in SIZES:
            for level in LEVELS:
                rows.append(measure(detector, level, maker, size, a.pictures))
                print(*rows[-1].values(), sep=" | ", flush=True)
    write_csv(TABLE, rows)
    write_page(PAGE, MARK, make_table())
    print(TABLE)


if __name__ == "__main__":
    main()
