"""Cut the faces of photographs, or of a data folder, into a data folder of loose crops.

python -m training.cut --pictures FOLDER --out OUT

Boxes are the service's own detector's. OUT gets crops/, index.csv (one crop in ten has the part
val) and skipped.csv. Labels that a data folder has are moved along.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from predictor.convert.faces import SUFFIXES
from predictor.landmarks import DEFAULT
from tools.command import command
from training import Bytes, DataError, Floats, index
from training.boxes import BoxFinder, Detector
from training.faces import Frame, cut_crop
from training.index import BOX, Row

SMALLEST = 48  # pixels of the network's crop; the teacher guesses below
Cut = tuple[Row, Bytes, Floats, Floats]  # row, picture, box [4], points [K,2]
Skipped = list[tuple[str, str]]  # picture, why


def detect_pictures(folder: Path, skipped: Skipped) -> Iterator[Cut]:
    """Find the faces of a folder's photographs; what has none is added to `skipped`."""
    pictures = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not pictures:
        raise DataError(f"{folder} has no picture ({', '.join(sorted(SUFFIXES))}).")
    detector = Detector()
    print(f"detector: {detector.finder.path}", flush=True)
    for path in pictures:
        name = str(path.relative_to(folder))
        try:
            picture = index.read_picture(path)
        except (DataError, cv2.error):
            skipped.append((name, "not a picture that can be read"))
            continue
        boxes = detector.detect(picture)
        if not len(boxes):
            skipped.append((name, "no face"))
        for box in boxes:
            yield {"picture": name, "part": "train"}, picture, box, np.empty((0, 2))


def read_labelled(folder: Path, names: tuple[str, ...]) -> Iterator[Cut]:
    """Read the faces of a data folder with their labels."""
    boxes = BoxFinder()
    for _, row in index.read_rows([folder]):
        points = np.array(index.take_points(row, names)).reshape(-1, 2)
        picture = index.read_picture(folder / row["path"])
        box = boxes.find(picture, row, points[~np.isnan(points).any(-1)])
        kept = {name: row[name] for name in ("set", "part")}
        yield kept | {"picture": row["path"]}, picture, box, points


def cut_folder(folder: Path, out: Path) -> None:
    """Cut what is in `folder` and write `out`."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder.")
    frame, skipped, rows = Frame(DEFAULT), Skipped(), list[Row]()
    ready = (folder / "index.csv").is_file()
    names = index.find_names(index.read_rows([folder])) if ready else ()
    (out / "crops").mkdir(parents=True, exist_ok=True)
    cuts = read_labelled(folder, names) if ready else detect_pictures(folder, skipped)
    for row, picture, box, points in cuts:
        size = float(np.sqrt(np.prod(box[2:] - box[:2])))
        if size * DEFAULT.crop_scale < SMALLEST:
            skipped.append((row["picture"], f"a face of {size:.0f} pixels"))
            continue
        corners = np.concatenate([points, box.reshape(2, 2)])
        crop, moved = cut_crop(picture, box, corners, frame)
        path = f"crops/{len(rows):05}.png"
        index.write_picture(out / path, crop)
        place = dict(zip(BOX, (f"{v:.2f}" for v in moved[-2:].ravel()), strict=True))
        rows.append({"path": path, **row, **place, **index.write_points(names, moved[:-2])})
    if not ready:
        index.hold_out([(out, row) for row in rows])
    index.write_rows(out, rows)
    with open(out / "skipped.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("picture", "why"), *skipped])
    print(f"{out}: {len(rows)} faces; {len(skipped)} in skipped.csv")


def main(words: list[str] | None = None) -> None:
    """Cut by a command line."""
    pictures, out = "photographs, or a data folder", "the folder to write"
    with command(__doc__, words, pictures=pictures, out=out) as asked:
        cut_folder(asked.pictures, asked.out)


if __name__ == "__main__":
    main()
