"""Measure what looking at pictures turned costs and write bench/results/epyc/way_up.csv.

    python -m bench.detector.way_up --data DATA --yunet FILE

DATA has pictures/. The detector with and without the turned looks, picture by picture in turns;
then what the network takes for a face, for the three more looks at a doubtful one, and for the one
more at a leaning one. Times are processor time of one thread, so that neighbours change little.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from bench.csv_file import read_csv, write_csv
from bench.detector.pictures import read_sets
from bench.usage import time_in_turns
from predictor.engines import load_engine
from predictor.engines.base import Engine
from tools.tables import write_page
from transformer.crop import crop_face, place_square
from transformer.detectors import load_detector
from transformer.detectors.base import Detector, Floats, shrink
from transformer.looks import Look, measure_rolls, stack_crops
from transformer.picture import Pixels
from transformer.second_look import find_doubtful, find_leaning
from transformer.way_up import TURNS, find_way_up

CHECKPOINT, TABLE = Path("models/simple_unet.pth"), Path("bench/results/epyc/way_up.csv")
PAGE, MARK = "docs/performance.md", "way up: bench.detector.way_up writes this"
SIDE = 640  # what the service detects at
SMALL = 8  # pixels between the eyes of the faces that a detector doubts
NONE = "without a face"


def make_kinds(data: Path) -> dict[str, list[Pixels]]:
    """Make the pictures by kind: upright, turned, doubtful, without a face."""
    sets = read_sets(data, (SMALL,))
    portraits = [shrink(picture, SIDE)[0] for picture in sets["portraits"]]
    kinds = {"upright portraits": portraits, "groups": sets["groups"]}
    kinds["portraits on their side"] = [np.ascontiguousarray(np.rot90(p)) for p in portraits]
    kinds["portraits upside down"] = [np.ascontiguousarray(np.rot90(p, 2)) for p in portraits]
    kinds["portraits turned by 45 degrees"] = [roll(p, 45) for p in portraits]
    kinds[f"faces of {SMALL} pixels between the eyes"] = sets[f"eyes_{SMALL}"]
    kinds[NONE] = [scramble(picture) for picture in portraits]
    return kinds


def roll(picture: Pixels, degrees: float) -> Pixels:
    """Turn a picture about its middle, its border going on."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    turned = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def scramble(picture: Pixels, tile: int = 32) -> Pixels:
    """Put a picture's tiles in another order: its colours and edges, and no face."""
    rows, columns = picture.shape[0] // tile, picture.shape[1] // tile
    tiles = picture[: rows * tile, : columns * tile].reshape(rows, tile, columns, tile, 3)
    tiles = tiles.swapaxes(1, 2).reshape(-1, tile, tile, 3)
    mixed = tiles[np.random.default_rng(0).permutation(len(tiles))]
    mixed = mixed.reshape(rows, columns, tile, tile, 3).swapaxes(1, 2)
    return np.ascontiguousarray(mixed.reshape(rows * tile, columns * tile, 3))


def count_looks(detector: Detector, picture: Pixels) -> tuple[int, Floats, int]:
    """Count the looks that a picture takes; and its boxes `[F,4]` and turn."""
    with patch.object(detector, "detect", wraps=detector.detect) as look:
        boxes, _, turn = find_way_up(detector, picture)
    return look.call_count, boxes, turn


def cut_crops(engine: Engine, picture: Pixels, boxes: Floats, turn: int) -> np.ndarray:
    """Cut the crops `[F,1,S,S]` of a picture's faces as the service does."""
    known = engine.landmarks
    squares = [place_square(box, known.crop_scale) for box in boxes]
    crops = [np.rot90(crop_face(picture, s, known.side), turn)[None] for s in squares]
    return np.ascontiguousarray(np.stack(crops))


def measure_kind(
    kind: str, pictures: list[Pixels], detector: Detector, engine: Engine, rounds: int
) -> dict[str, Any]:
    """Measure a kind of picture: a row of the table."""
    looked, faces, doubtful, leaning, plain, turned = [], 0, 0, 0, [], []
    for picture in pictures:
        count, boxes, turn = count_looks(detector, picture)
        looked.append(count)
        faces += len(boxes)
        if len(boxes):
            points, scores = engine.predict(cut_crops(engine, picture, boxes, turn))
            doubtful += len(find_doubtful(scores))
            leaning += len(find_leaning(measure_rolls(points, engine.landmarks)))
        looks = partial(detector.detect, picture), partial(find_way_up, detector, picture)
        times = np.median(time_in_turns(looks, rounds), axis=1)
        plain.append(times[0])
        turned.append(times[1])
    return {
        "pictures": kind,
        "count": len(pictures),
        "faces": faces,
        "looked_turned": sum(looks > 1 for looks in looked),
        "looks_mean": round(float(np.mean(looked)), 2),
        "detect_cpu_ms": round(float(np.mean(plain)), 2),
        "way_up_cpu_ms": round(float(np.mean(turned)), 2),
        "more_cpu_ms": round(float(np.mean(np.subtract(turned, plain))), 2),
        "doubtful_faces": doubtful,
        "leaning_faces": leaning,
    }


def measure_network(
    engine: Engine, portrait: Pixels, detector: Detector, rounds: int
) -> list[dict[str, Any]]:
    """Measure the network on a face, and on one with its second looks."""
    boxes, _ = detector.detect(portrait)
    crop = cut_crops(engine, portrait, boxes[:1], 0)  # [1, 1, S, S]

    def look_once() -> None:
        engine.predict(crop)

    def look_turned() -> None:
        engine.predict(crop)
        engine.predict(stack_crops([Look.first(crop[0], 0).turn_quarters(t) for t in TURNS]))

    def look_level() -> None:
        engine.predict(crop)
        engine.predict(stack_crops([Look.first(crop[0], 0).rotate(45)]))

    once, *twice = np.median(
        time_in_turns([look_once, look_turned, look_level], 10 * rounds), axis=1
    )
    rows = []
    for kind, time in zip(("doubtful", "leaning"), twice, strict=True):
        row = {"pictures": f"the network, a face: sure, {kind}", "count": 1, "faces": 1}
        row |= {"detect_cpu_ms": round(once, 2), "way_up_cpu_ms": round(time, 2)}
        rows.append(row | {"more_cpu_ms": round(time - once, 2)})
    return rows


def make_table() -> str:
    """Make the page's table from bench/results/epyc/way_up.csv."""
    lines = [
        "| | looked at turned | CPU ms without | with | doubtful faces | leaning faces |",
        "|---|---|---|---|---|---|",
    ]
    for row in read_csv(TABLE):
        share = f"{row['looked_turned']} of {row['count']}" if row["looked_turned"] else ""
        some, lean = (
            f"{row[name]} of {row['faces']}" if row[name] else ""
            for name in ("doubtful_faces", "leaning_faces")
        )
        lines.append(
            f"| {row['pictures']} | {share} | {row['detect_cpu_ms']} "
            f"| {row['way_up_cpu_ms']} | {some} | {lean} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all kinds and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures/")
    parser.add_argument("--yunet", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    a = parser.parse_args()
    cv2.setNumThreads(1)
    detector, engine = load_detector(a.yunet, SIDE), load_engine("auto", CHECKPOINT, None, 1)
    rows = []
    kinds = make_kinds(a.data)
    for kind, pictures in kinds.items():
        rows.append(measure_kind(kind, pictures, detector, engine, a.rounds))
        print(*rows[-1].values(), sep=" | ", flush=True)
    rows += measure_network(engine, kinds["upright portraits"][0], detector, a.rounds)
    write_csv(TABLE, rows)
    write_page(PAGE, MARK, make_table())
    print(TABLE)


if __name__ == "__main__":
    main()
