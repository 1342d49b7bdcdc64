"""Write a data folder of turned faces with open mouths, made of labelled ones by their mesh.

python -m training.turn --data FOLDER --out OUT

FOLDER is one that `make label` wrote: index.csv and mesh.npz; only its faces to train on are
turned. Any set of points goes along.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.random import Generator

from tools.command import command
from training import DataError, Floats, index
from training.index import BOX, TRAINED, Row
from training.teacher.mesh import measure_turn
from training.turn.mouth import CORNERS
from training.turn.pose import Pose, turn_face

SHUT = 0.05  # lips' inner rims apart, over the mouth's width
INNER = 13, 14  # vertices
FRONTAL = 0.10  # of the nose from the eye corners' middle; beyond, the hidden side would tear
YAW = (12, 42)  # degrees, either way
PITCH = 10, 22  # degrees: standard deviation, and the most
AGAIN = 5, 18  # degrees more for a face that is turned: sd of yaw, and the most of pitch
JAW = (0.08, 0.45)  # share of the height from mouth to chin
OPENED = 0.35  # chance of an open mouth in a turned face


def is_shut(mesh: Floats) -> bool:
    """Check whether the mouth of a mesh `[478,3]` is shut."""
    gap, width = (np.linalg.norm(mesh[a] - mesh[b]) for a, b in (INNER, CORNERS))
    return bool(gap < SHUT * width)


def draw_poses(turn: float, closed: bool, rng: Generator) -> Iterator[Pose]:
    """Draw the poses of a face whose nose is `turn` from the middle; `closed` if its mouth is."""

    def draw_nod() -> float:
        return float(np.clip(rng.normal(0, PITCH[0]), -PITCH[1], PITCH[1]))

    def make_pose(yaw: float, pitch: float, chance: float = OPENED) -> Pose:
        jaw = float(rng.uniform(*JAW)) if closed and rng.random() < chance else 0.0
        return Pose(float(np.radians(yaw)), float(np.radians(pitch)), jaw)

    if abs(turn) < FRONTAL:
        for _ in range(2):
            yield make_pose(rng.uniform(*YAW) * rng.choice((-1, 1)), draw_nod())
        if closed:
            yield make_pose(rng.normal(0, 6), draw_nod() / 2, 1)
    else:
        pitch = rng.uniform(-AGAIN[1], AGAIN[1])
        yield make_pose(rng.normal(0, AGAIN[0]), pitch)


def turn_faces(data: Path, out: Path, seed: int) -> int:
    """Turn every labelled face in each of its poses; return how many were made."""
    rows, rng, made = index.read_rows([data]), np.random.default_rng(seed), list[Row]()
    index.hold_out(rows)
    names = index.find_names(rows)
    with np.load(data / "mesh.npz") as file:
        meshes = dict(zip(file["paths"].tolist(), file["mesh"].astype(float), strict=True))
    (out / "turned").mkdir(parents=True, exist_ok=True)
    for _, row in rows:
        mesh, points = meshes.get(row["path"]), np.array(index.take_points(row, names))
        if row["part"] not in TRAINED or mesh is None or np.isnan(points).all():
            continue
        picture = index.read_picture(data / row["path"])
        for pose in draw_poses(measure_turn(mesh), is_shut(mesh), rng):
            turned, moved = turn_face(picture, mesh, points, pose)
            path = f"turned/{len(made):05}.jpg"
            index.write_picture(out / path, turned)
            box = {name: row[name] for name in BOX if name in row}
            fixed = {"path": path, "set": "turned", "part": "train"}
            made.append(fixed | box | index.write_points(names, moved))
    if not made:
        raise DataError(f"{data} has no face with labels and a mesh: `make label` makes them.")
    index.write_rows(out, made)
    return len(made)


def main(words: list[str] | None = None) -> None:
    """Turn by a command line."""
    data, out = "a folder of `make label`", "the data folder to write"
    with command(__doc__, words, data=data, out=out, seed=0) as asked:
        print(f"{asked.out}: {turn_faces(asked.data, asked.out, asked.seed)} faces")


if __name__ == "__main__":
    main()
