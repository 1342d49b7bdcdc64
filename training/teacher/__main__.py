"""Label the loose crops of a data folder by MediaPipe's Face Landmarker V2: `make label`.

python -m training.teacher FOLDER [--mapping FILE.csv] [--network FILE [--shares FILE.csv]]

Each crop is looked at as it is and mirrored; where both agree, its row of index.csv gets the points
of the mapping, else it goes to skipped.csv. Labels that a row has stay. With a network, its points
are mixed in by the shares. FOLDER also gets mesh.npz (paths, mesh [N,478,3]) and sheets to look at.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from training.command import end_in_a_sentence
from training.index import (
    BOX,
    Bytes,
    DataError,
    Floats,
    Row,
    read_picture,
    read_rows,
    take_points,
    write_points,
    write_rows,
)
from training.teacher.mapping import MAPPING, Mapping, read_mapping
from training.teacher.mesh import FaceMesh
from training.teacher.mix import SHARES, Mixer
from training.teacher.regions import LEFT_OUTER, LOOSE, RIGHT_OUTER, Region, measure_turn
from training.teacher.sheet import draw_cell, write_sheet

ON_SHEET = 60  # faces of a contact sheet
FRONTAL, SIDE = 0.025, 0.035  # of the outer eye corners' distance: how far apart views may be
TURNED = 0.12  # of the nose from the middle of the outer eye corners, about 15 degrees
AWAY = 0.25  # of the mesh's middle from the box's, in sides of the box


def label_crop(
    mesh: FaceMesh, mapping: Mapping, picture: Bytes, box: Floats, mixer: Mixer | None = None
) -> tuple[Floats, Floats, str]:
    """Label a crop `[C,C,3]`: points `[K,2]`, mesh `[478,3]`, and what speaks against them."""
    plain, mirrored = look(mesh, picture, box), look(mesh, picture[:, ::-1], box)
    if plain is None or mirrored is None:
        return np.empty((0, 2)), np.empty((0, 3)), "no mesh"
    apart = float(np.linalg.norm(plain[LEFT_OUTER, :2] - plain[RIGHT_OUTER, :2]))
    turned = abs(measure_turn(plain)) > TURNED
    first, second = mapping.weights @ plain[:, :2], mapping.weights @ mirrored[:, :2]
    second = second[list(mapping.mirrored)]
    second[:, 0] = picture.shape[1] - 1 - second[:, 0]
    centre = (plain[:, :2].min(0) + plain[:, :2].max(0)) / 2
    why = ""
    if not np.linalg.norm(first - second, axis=1).mean() < (SIDE if turned else FRONTAL) * apart:
        why = "the mirrored view has other points"
    elif np.linalg.norm(centre - (box[:2] + box[2:]) / 2) > AWAY * (box[2] - box[0]):
        why = "the mesh is of another face"
    points = (first + second) / 2
    if mixer and not why:
        points, why = mixer.mix(picture, box, points, turned)
    return points, plain, why


def look(mesh: FaceMesh, picture: Bytes, box: Floats) -> Floats | None:
    """Find the mesh of the face in a box about the crop's middle, upright to begin with."""
    (x, y), side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
    return mesh.find(picture, Region(float(x), float(y), LOOSE * side, 0.0))


def label_folder(folder: Path, mapping: Mapping, mixer: Mixer | None) -> None:
    """Label the crops of a data folder in place."""
    rows = read_rows([folder])
    if any(not row.get(name) for _, row in rows for name in BOX):
        raise DataError(f"{folder / 'index.csv'} has faces without a box: training.cut finds them.")
    mesh, kept, skipped = FaceMesh(), list[Row](), list[tuple[str, str]]()
    meshes, cells = dict[str, Floats](), list[Bytes]()
    for _, row in rows:
        picture = read_picture(folder / row["path"])
        box = np.array([float(row[name]) for name in BOX])
        own = np.isfinite(np.array(take_points(row, mapping.names))).all()
        points, vertices, why = label_crop(mesh, mapping, picture, box, None if own else mixer)
        if why:
            skipped.append((row["path"], why))
        else:
            meshes[row["path"]] = vertices
        if own or not why:
            kept.append(row if own else row | write_points(mapping.names, points))
        cells.append(draw_cell(picture, points, f"{Path(row['path']).stem} {why}"))
    write_rows(folder, kept)
    with open(folder / "skipped.csv", "a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(skipped)
    found = np.array(list(meshes.values()), np.float32)
    np.savez_compressed(folder / "mesh.npz", paths=np.array(list(meshes)), mesh=found)
    for i in range(0, len(cells), ON_SHEET):
        write_sheet(cells[i : i + ON_SHEET], folder / f"sheet-{i // ON_SHEET:02}.png")
    print(f"{folder}: {len(kept)} faces with labels; {len(skipped)} more in skipped.csv")


def main() -> None:
    """Label by a command line; errors are one sentence and 2."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="a data folder that training.cut wrote")
    parser.add_argument("--mapping", type=Path, default=MAPPING, help="landmark,vertex,weight")
    parser.add_argument("--network", type=Path, help="what LANDMARKS_MODEL takes, to be mixed in")
    parser.add_argument("--shares", type=Path, default=SHARES, help="landmark,frontal,turned")
    a = parser.parse_args()
    with end_in_a_sentence(RuntimeError):
        mapping = read_mapping(a.mapping)
        mixer = Mixer(a.network, a.shares, mapping.names) if a.network else None
        label_folder(a.folder, mapping, mixer)


if __name__ == "__main__":
    main()
