"""Write a data folder of turned faces with open mouths, made of labelled ones by their mesh.

python -m training.turn --data FOLDER --out OUT

FOLDER is one that `make label` wrote: index.csv and mesh.npz; only its faces to train on are
turned. Any set of points goes along.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from training.command import end_in_a_sentence
from training.index import (
    TRAINED,
    DataError,
    Floats,
    Row,
    find_names,
    hold_out,
    read_picture,
    read_rows,
    take_points,
    write_points,
    write_rows,
)
from training.teacher.regions import measure_turn
from training.turn.draw import draw_poses
from training.turn.pose import turn_face
from training.turn.topology import CORNERS

SHUT = 0.05  # lips' inner rims apart, over the mouth's width
INNER = 13, 14  # vertices


def is_shut(mesh: Floats) -> bool:
    """Check whether the mouth of a mesh `[478,3]` is shut."""
    gap, width = (np.linalg.norm(mesh[a] - mesh[b]) for a, b in (INNER, CORNERS))
    return bool(gap < SHUT * width)


def turn_faces(data: Path, out: Path, seed: int) -> int:
    """Turn every labelled face in each of its poses; return how many were made."""
    rows, rng, made = read_rows([data]), np.random.default_rng(seed), list[Row]()
    hold_out(rows)
    names = find_names(rows)
    with np.load(data / "mesh.npz") as file:
        meshes = dict(zip(file["paths"].tolist(), file["mesh"].astype(float), strict=True))
    (out / "turned").mkdir(parents=True, exist_ok=True)
    for _, row in rows:
        mesh, points = meshes.get(row["path"]), np.array(take_points(row, names))
        if row["part"] not in TRAINED or mesh is None or np.isnan(points).all():
            continue
        picture = read_picture(data / row["path"])
        for pose in draw_poses(measure_turn(mesh), is_shut(mesh), rng):
            turned, moved = turn_face(picture, mesh, points, pose)
            path = f"turned/{len(made):05}.jpg"
            bgr = cv2.cvtColor(turned, cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(out / path), bgr, [cv2.IMWRITE_JPEG_QUALITY, 94])
            box = {name: value for name, value in row.items() if name.startswith("box_")}
            fixed = {"path": path, "set": "turned", "part": "train"}
            made.append(fixed | box | write_points(names, moved))
    if not made:
        raise DataError(f"{data} has no face with labels and a mesh: `make label` makes them.")
    write_rows(out, made)
    return len(made)


def main(words: list[str] | None = None) -> None:
    """Turn by a command line; errors are one sentence and 2."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="a folder of `make label`")
    parser.add_argument("--out", required=True, type=Path, help="the data folder to write")
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args(words)
    with end_in_a_sentence():
        print(f"{a.out}: {turn_faces(a.data, a.out, a.seed)} faces")


if __name__ == "__main__":
    main()
