"""Label a folder of pictures, or the crops of a data folder, by MediaPipe Face Mesh.

TEACHER/bin/python -m training.teacher --pictures FOLDER --out OUT [--yunet FILE.onnx]

OUT gets labels.npz (paths, points, mesh), sheets of faces with their points to look at,
skipped.csv and, for pictures, the crops with their index.csv: a data folder to train on.
"""

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from training.teacher.agree import judge_label
from training.teacher.label import label_crop
from training.teacher.mapping import read_mapping
from training.teacher.mesh import FaceMesh
from training.teacher.pictures import Crop, cut_pictures, read_crops
from training.teacher.sheet import draw_cell, write_sheet
from training.yunet import YuNet

ON_SHEET = 60  # faces of a contact sheet
YUNET_FILE = "models/detector/face_detection_yunet_2023mar.onnx"


def label_folder(folder: Path, out: Path, yunet: str) -> None:
    """Label what is in `folder` and write everything into `out`."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder.")
    mesh, weights = FaceMesh(), read_mapping()
    skipped: list[tuple[str, str]] = []
    out.mkdir(parents=True, exist_ok=True)
    ready = (folder / "index.csv").is_file()
    crops: Iterable[Crop] = (
        read_crops(folder) if ready else cut_pictures(folder, out, YuNet(yunet), skipped)
    )
    rows, cells = [], []
    for path, picture, five in crops:
        points, plain, mirrored, mirror = label_crop(mesh, weights, picture, five)
        why = judge_label(points, mirror, five, None)
        if why:
            skipped.append((path, why))
        if not why or ready:  # a data folder's own filters follow in training.teacher.agree
            rows.append((path, points, plain, mirrored, mirror))
        cells.append(draw_cell(picture, [points, five], f"{Path(path).stem} {why}"))
    write_list(skipped, out / "skipped.csv")
    for i in range(0, len(cells), ON_SHEET):
        write_sheet(cells[i : i + ON_SHEET], out / f"sheet-{i // ON_SHEET:02}.png")
    print(f"{out}: {len(rows)} faces labelled; {len(skipped)} in skipped.csv")
    if rows:
        save_labels(rows, out / "labels.npz")


def save_labels(rows: list[tuple], file: Path) -> None:
    """Save paths, points, meshes of both views and how far those are apart."""
    paths, *arrays = zip(*rows, strict=True)
    points, mesh, mirrored, mirror = (np.array(a, np.float32) for a in arrays)
    np.savez_compressed(
        file, paths=np.array(paths), points=points, mesh=mesh, mirrored=mirrored, mirror=mirror
    )


def write_list(skipped: list[tuple[str, str]], file: Path) -> None:
    """List what got no label, and why."""
    with open(file, "w", newline="") as target:
        table = csv.writer(target, lineterminator="\n")
        table.writerow(["path", "why"])
        table.writerows(skipped)


def main() -> None:
    """Label by a command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", required=True, type=Path, help="pictures, or a data folder")
    parser.add_argument("--out", required=True, type=Path, help="the folder to write")
    parser.add_argument("--yunet", default=YUNET_FILE, help="YuNet's file; for pictures alone")
    args = parser.parse_args()
    try:
        label_folder(args.pictures, args.out, args.yunet)
    except ValueError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
