"""A data folder: index.csv with a row per face, and the pictures that it names.

Columns: `path`, and NAME_x and NAME_y of each point in pixels of that picture, the centre of the
top-left pixel being (0, 0); empty where a point is not labelled. Optional: `box_x0` to `box_y1`,
the face's box; `set`, a name for a part of the folder; `part`: train, val, or anything else for
what only evaluate reads.
"""

import csv
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from predictor.convert.faces import BOX
from predictor.convert.faces import SEEN as TRAINED
from training import Bytes, DataError, Floats

Row = dict[str, str]
DETECTED = "yunet_"  # columns of crops that were cut about this detector's box
FOLDERS = {"required": True, "type": Path, "nargs": "+", "help": "data folders"}  # a command's


def read_rows(folders: Sequence[Path]) -> list[tuple[Path, Row]]:
    """Read the rows of data folders, each with its folder; `set` and `part` are filled in."""
    rows = []
    for folder in folders:
        try:
            read = read_table(folder / "index.csv")
        except OSError:
            raise DataError(
                f"{folder} has no index.csv: it needs a row per face with path, and NAME_x and "
                f"NAME_y of each point; `make label PICTURES={folder}` writes one."
            ) from None
        for row in read:
            if not row.get("path"):
                raise DataError(f"{folder / 'index.csv'} has a row without a path.")
            row["set"], row["part"] = row.get("set") or folder.name, row.get("part") or "train"
            rows.append((folder, row))
    if not rows:
        raise DataError(f"{', '.join(map(str, folders))}: index.csv has no rows.")
    return rows


def read_table(path: Path) -> list[Row]:
    """Read a table with a head."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def find_names(rows: Iterable[tuple[Path, Row]]) -> tuple[str, ...]:
    """Find the names of the points that the rows have columns for, in their order."""
    names: dict[str, None] = {}
    for _, row in rows:
        for column in row:
            name = column.removesuffix("_x")
            if name != column and f"{name}_y" in row and not name.startswith(DETECTED):
                names[name] = None
    return tuple(names)


def hold_out(rows: list[tuple[Path, Row]]) -> None:
    """Mark a tenth of the faces to train on as val, unless some are; the same tenth each time."""
    trained = [row for _, row in rows if row["part"] in TRAINED]
    if any(row["part"] == "val" for _, row in rows) or len(trained) < 2:
        return
    trained.sort(key=lambda row: zlib.crc32(row["path"].encode()))
    for row in trained[: max(1, len(trained) // 10)]:
        row["part"] = "val"


def take_points(row: Row, names: Iterable[str]) -> list[tuple[float, ...]]:
    """Take the (x, y) of the named points from a row, NaN where it has none."""
    try:
        return [tuple(float(row.get(f"{n}_{axis}") or "nan") for axis in "xy") for n in names]
    except ValueError as error:
        raise DataError(f"The row of {row['path']} has no number: {error}.") from None


def read_box(row: Row) -> Floats:
    """Read the box `[4]` of a row that has one."""
    try:
        return np.array([float(row[name]) for name in BOX])
    except ValueError:
        raise DataError(f"The row of {row['path']} has no number for its box.") from None


def read_picture(path: Path) -> Bytes:
    """Read a picture file as RGB `[H,W,3]`."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise DataError(f"{path} is not a picture that can be read.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def write_picture(path: Path, picture: Bytes) -> None:
    """Write RGB `[H,W,3]` as the kind of file that its name says."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, 94])


def write_rows(folder: Path, rows: Sequence[Row]) -> None:
    """Write index.csv with the columns of all rows."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with open(folder / "index.csv", "w", newline="") as file:
        table = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def write_points(names: Iterable[str], points: Floats) -> Row:
    """Write points `[K,2]` as the columns of a row; unknown ones are left out."""
    pairs = zip(names, points, strict=True)
    known = [(name, point) for name, point in pairs if np.isfinite(point).all()]
    return {f"{n}_{axis}": f"{v:.2f}" for n, p in known for axis, v in zip("xy", p, strict=True)}
