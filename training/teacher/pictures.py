"""Read the faces to label: a data folder's crops, or any pictures through YuNet."""

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from training.faces import LANDMARKS, YUNET, Bytes, Floats, read_picture, read_rows, take_points
from training.yunet import YuNet, crop_loosely

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
SMALLEST = 48  # pixels of the network's crop; the mesh guesses below
AXES = [f"{name}_{axis}" for name in (*(f"yunet_{n}" for n in YUNET), *LANDMARKS) for axis in "xy"]
Crop = tuple[str, Bytes, Floats]  # path, RGB [256,256,3], YuNet's points [5,2]


def read_crops(data: str | Path) -> Iterator[Crop]:
    """Read every crop of a data folder with its five points."""
    for folder, row in read_rows(data):
        five = take_points(row, [f"yunet_{name}" for name in YUNET])
        yield row["path"], read_picture(folder / row["path"]), np.array(five)


def cut_pictures(
    folder: Path, out: Path, yunet: YuNet, skipped: list[tuple[str, str]]
) -> Iterator[Crop]:
    """Cut the faces out of a folder's pictures into `out`, a new data folder.

    What gives no crop is added to `skipped`, with the reason.
    """
    (out / "crops").mkdir(parents=True, exist_ok=True)
    pictures = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not pictures:
        raise ValueError(f"{folder} has no picture ({', '.join(sorted(SUFFIXES))}).")
    with open(out / "index.csv", "w", newline="") as file:
        table = csv.DictWriter(file, ["set", "part", "path", *AXES], restval="")
        table.writeheader()
        for number, path in enumerate(pictures):
            name = str(path.relative_to(folder))
            for at, (picture, five) in enumerate(cut_faces(path, name, yunet, skipped)):
                place = f"crops/{number:05}-{at}.png"
                cv2.imwrite(str(out / place), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
                row = {"set": out.name, "part": "unlabelled", "path": place}
                table.writerow(
                    row | dict(zip(AXES, (f"{v:.2f}" for v in five.ravel()), strict=False))
                )
                yield place, picture, five


def cut_faces(
    path: Path, name: str, yunet: YuNet, skipped: list[tuple[str, str]]
) -> list[tuple[Bytes, Floats]]:
    """Cut the faces out of one picture, or say in `skipped` why there are none."""
    try:
        picture = read_picture(path)
    except (ValueError, cv2.error):
        skipped.append((name, "no picture that can be read"))
        return []
    faces = yunet.detect(picture)
    if not faces:
        skipped.append((name, "no face"))
    for face in faces:
        if face.side < SMALLEST:
            skipped.append((name, f"a face of {face.side:.0f} pixels"))
    return [crop_loosely(picture, face) for face in faces if face.side >= SMALLEST]
