"""Label the loose crops of a data folder by MediaPipe's Face Landmarker V2: `make label`.

python -m training.teacher FOLDER [--mapping FILE.csv] [--network FILE [--shares FILE.csv]]

Each crop is looked at as it is and mirrored; where both agree, its row of index.csv gets the points
of the mapping, else it goes to skipped.csv. Labels that a row has stay. With a network, its points
are mixed in by the shares, and into a row's own labels if `--hand` is below 1: once, as the labels
of an earlier run are a row's own. FOLDER also gets mesh.npz (paths, mesh [N,478,3]) and sheets.
"""

import csv
from pathlib import Path

import cv2
import numpy as np

from tools.command import command
from training import Bytes, DataError, Floats, index
from training.index import BOX, Row
from training.teacher.mapping import MAPPING, SHARES, Mapping, Mixer, read_mapping
from training.teacher.mesh import LEFT_OUTER, RIGHT_OUTER, FaceMesh, measure_turn

FRONTAL, SIDE = 0.025, 0.035  # of the outer eye corners' distance: how far apart views may be
TURNED = 0.12  # of the nose from the middle of the outer eye corners, about 15 degrees
AWAY = 0.25  # of the mesh's middle from the box's, in sides of the box
CELL, COLUMNS, ROWS = 192, 10, 6  # pixels of a face on a contact sheet, and faces on it
MARGIN = 1 / 8  # of the crop, left out at each side


def label_crop(
    mesh: FaceMesh, mapping: Mapping, picture: Bytes, box: Floats, mixer: Mixer | None = None
) -> tuple[Floats, Floats, str]:
    """Label a crop `[C,C,3]`: points `[K,2]`, mesh `[478,3]`, and what speaks against them."""
    plain, mirrored = mesh.find(picture, box), mesh.find(picture[:, ::-1], box)  # in the middle
    if plain is None or mirrored is None:
        return np.empty((0, 2)), np.empty((0, 3)), "no mesh"
    apart = float(np.linalg.norm(plain[LEFT_OUTER, :2] - plain[RIGHT_OUTER, :2]))
    turned = abs(measure_turn(plain)) > TURNED
    first, second = mapping.weights @ plain[:, :2], mapping.weights @ mirrored[:, :2]
    second = second[list(mapping.mirrored)] * [-1, 1] + [picture.shape[1] - 1, 0]
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


def label_folder(folder: Path, mapping: Mapping, mixer: Mixer | None, hand: float = 1) -> None:
    """Label the crops of a data folder in place; `hand` is the share of labels that they have."""
    rows = index.read_rows([folder])
    if any(not row.get(name) for _, row in rows for name in BOX):
        raise DataError(f"{folder / 'index.csv'} has faces without a box: training.cut finds them.")
    mesh, kept, skipped = FaceMesh(), list[Row](), list[tuple[str, str]]()
    meshes, cells = dict[str, Floats](), list[Bytes]()
    for _, row in rows:
        picture, box = index.read_picture(folder / row["path"]), index.read_box(row)
        labels = np.array(index.take_points(row, mapping.names))  # [K, 2]
        own = np.isfinite(labels).all()
        points, vertices, why = label_crop(mesh, mapping, picture, box, None if own else mixer)
        if why:
            skipped.append((row["path"], why))
        else:
            meshes[row["path"]] = vertices
        if own and mixer and hand < 1 and row["part"] in index.TRAINED:
            labels = hand * labels + (1 - hand) * mixer.find(picture, box)
            row |= index.write_points(mapping.names, labels)
        if own or not why:
            kept.append(row if own else row | index.write_points(mapping.names, points))
        cells.append(draw_cell(picture, points, f"{Path(row['path']).stem} {why}"))
    index.write_rows(folder, kept)
    with open(folder / "skipped.csv", "a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(skipped)
    found = np.array(list(meshes.values()), np.float32)
    np.savez_compressed(folder / "mesh.npz", paths=np.array(list(meshes)), mesh=found)
    for number, i in enumerate(range(0, len(cells), COLUMNS * ROWS)):
        write_sheet(cells[i : i + COLUMNS * ROWS], folder / f"sheet-{number:02}.png")
    print(f"{folder}: {len(kept)} faces with labels; {len(skipped)} more in skipped.csv")


def draw_cell(picture: Bytes, points: Floats, title: str = "") -> Bytes:
    """Draw one crop `[C,C,3]` with points `[K,2]`."""
    margin = round(MARGIN * len(picture))
    scale = CELL / (len(picture) - 2 * margin)
    cell = cv2.resize(picture[margin:-margin, margin:-margin], (CELL, CELL))
    for x, y in (points - margin + 0.5) * scale - 0.5:
        if np.isfinite([x, y]).all():
            cv2.circle(cell, (round(x * 8), round(y * 8)), 14, (60, 255, 60), -1, cv2.LINE_AA, 3)
    for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        how = cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, thick, cv2.LINE_AA
        cv2.putText(cell, title, (3, CELL - 5), *how)
    return cell


def write_sheet(cells: list[Bytes], file: Path) -> None:
    """Write cells side by side as a picture."""
    cells = cells + [np.zeros_like(cells[0])] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)]
    index.write_picture(file, np.vstack(rows))


def main() -> None:
    """Label by a command line; FOLDER is one that training.cut wrote."""
    network = {"type": Path, "help": "what LANDMARKS_MODEL takes, to be mixed in"}
    tables = {"mapping": MAPPING, "shares": SHARES}
    hand = {"type": float, "default": 1.0, "help": "share of labels by hand where a network helps"}
    with command(__doc__, None, "folder", network=network, hand=hand, **tables) as asked:
        mapping = read_mapping(asked.mapping)
        mixed = asked.network and Mixer(asked.network, asked.shares, mapping.names)
        label_folder(asked.folder, mapping, mixed, asked.hand)


if __name__ == "__main__":
    main()
