"""Write a data folder of turned faces with open mouths, made of labelled ones by their mesh.

python -m training.turn --data DIR ... --meshes FILE.npz --labels FILE.npz ... --out OUT
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from training.batches import read_training_faces
from training.faces import LANDMARKS, YUNET, YUNET_AS_LANDMARKS, Bytes, Floats
from training.teacher.agree import measure_turn
from training.teacher.mapping import read_mapping
from training.teacher.sheet import draw_cell, write_sheet
from training.turn.draw import draw_poses
from training.turn.pose import turn_face

SOURCES = ("london", "composite", "london-smiling", "congress", "london-3q")
NAMES = [f"{name}_{axis}" for name in (*(f"yunet_{n}" for n in YUNET), *LANDMARKS) for axis in "xy"]
SHEET = 60  # faces to look at
SHUT = 0.05  # lips' inner rims apart, over the mouth's width
INNER, CORNERS = (13, 14), (61, 291)  # vertices


def is_shut(mesh: Floats) -> bool:
    """Check whether the mouth of a mesh `[478,3]` is shut."""
    gap, width = (np.linalg.norm(mesh[a] - mesh[b]) for a, b in (INNER, CORNERS))
    return bool(gap < SHUT * width)


def write_row(table, path: str, points: Floats) -> None:
    """Write the row of one made face; YuNet's five are the landmarks that they stand for."""
    values = np.concatenate([points[list(YUNET_AS_LANDMARKS)], points]).ravel()
    row = {"set": "turned", "part": "train", "path": path}
    table.writerow(row | dict(zip(NAMES, (f"{v:.2f}" for v in values), strict=True)))


def write_picture(picture: Bytes, file: Path) -> None:
    """Write one crop as a good JPEG."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(file), bgr, [cv2.IMWRITE_JPEG_QUALITY, 94])


def turn_faces(args: argparse.Namespace) -> int:
    """Turn every fitting face in each of its poses; gives how many were made."""
    faces, _ = read_training_faces(args.data, args.labels)
    file, weights = np.load(args.meshes), read_mapping()
    meshes = dict(zip(file["paths"].tolist(), file["mesh"].astype(float), strict=True))
    rng, out, made = np.random.default_rng(args.seed), Path(args.out), 0
    cells: list[Bytes] = []
    (out / "turned").mkdir(parents=True, exist_ok=True)
    with open(out / "index.csv", "w", newline="") as target:
        table = csv.DictWriter(target, ["set", "part", "path", *NAMES])
        table.writeheader()
        for i in np.flatnonzero(np.isin(faces.sets, SOURCES)):
            mesh, points = meshes.get(str(faces.paths[i])), faces.points[i]
            if mesh is None or not (np.isfinite(mesh).all() and np.isfinite(points).all()):
                continue
            for pose in draw_poses(measure_turn(points[None])[0], is_shut(mesh), rng):
                picture, moved = turn_face(faces.pictures[i], mesh, points, weights, pose)
                path = f"turned/{made:05}.jpg"
                write_picture(picture, out / path)
                write_row(table, path, moved)
                made += 1
                if rng.random() < 0.06 and len(cells) < SHEET:
                    cells.append(draw_cell(picture, [moved], path[7:12]))
    if cells:
        write_sheet(cells, out / "sheet.png")
    return made


def main() -> None:
    """Turn by a command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, nargs="+", help="folders of index.csv")
    parser.add_argument("--labels", nargs="+", default=[], help="files of points, in turn")
    parser.add_argument("--meshes", required=True, help="a file of training.teacher")
    parser.add_argument("--out", required=True, help="the data folder to write")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"{args.out}: {turn_faces(args)} faces")


if __name__ == "__main__":
    main()
