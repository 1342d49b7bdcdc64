"""Print api.md's table of what each level of `detect` finds and costs: make detectors.

    python -m bench.detectors DATA GROUNDS DETECTOR.onnx ...

DATA has faces/ and pictures/; GROUNDS photographs without a face, such as Debian's packages of
wallpapers have. Times are processor time of one thread, the picture being decoded.
"""

import sys
import time
from pathlib import Path

import cv2
import numpy as np

from tests.data.crowds import CrowdMaker
from transformer.detectors import load_detector
from transformer.detectors.base import Detector
from transformer.detectors.scales import LEVELS
from transformer.detectors.way_up import find_faces
from transformer.inputs.choices import Choices
from transformer.pictures.picture import Picture
from transformer.settings import TransformerSettings

SIZES = ((4000, 3000), (1600, 1200), (640, 480))
SHARES = (0.5, 0.75, 1, 1.5, 2, 3, 4)  # percent of the long side
FACES, CROWDS, EMPTY = 40, 3, 9  # faces of a crowd; pictures


def make_row(detector: Detector, size: tuple[int, int], level: str, maker: CrowdMaker) -> list[str]:
    """Measure a level on pictures of one size: a row of cells."""

    def find(pixels: np.ndarray) -> tuple[np.ndarray, float]:
        begun = time.process_time()
        picture, choices = Picture.of_pixels(pixels), Choices(level)
        found = find_faces(detector, picture, choices, TransformerSettings())
        return found.corners, 1000 * (time.process_time() - begun)

    cells, times = [f"{size[0]}x{size[1]}, {detector.name}", f"`{level}`"], []
    for share in SHARES:
        seen = 0
        for number in range(CROWDS):
            crowd = maker.make_crowd(number, size, share / 100 * size[0], FACES)
            corners, taken = find(crowd.pixels)
            seen += crowd.count_found(corners)
            times.append(taken)
        cells.append(f"{100 * seen / (CROWDS * FACES):.0f}")
    empty = [find(maker.make_ground(number, *size))[1] for number in range(EMPTY)]
    cells.append(f"{np.median(times):.1f}, {np.median(empty):.1f}")
    return cells


def main(data: str, grounds: str, *detectors: str) -> None:
    """Measure all levels of the detectors."""
    cv2.setNumThreads(1)
    maker = CrowdMaker(Path(data), Path(grounds))
    shares = [f"{share} %" for share in SHARES]
    print("picture, detector", "`detect`", *shares, "CPU ms: crowd, no face", sep=" | ")
    for size in SIZES:
        for detector in [load_detector(Path(path)) for path in detectors]:
            for level in LEVELS:
                print(*make_row(detector, size, level, maker), sep=" | ", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
