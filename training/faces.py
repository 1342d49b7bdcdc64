"""Read the face crops and their landmarks from a data folder."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from predictor.landmarks import DEFAULT

Floats = NDArray[Any]  # float32 or wider; OpenCV's own types do not say which
Bytes = NDArray[Any]  # uint8
Folders = str | Path | Sequence[str | Path]  # one data folder, or several that add up

LANDMARKS = DEFAULT.points
FLIP = DEFAULT.mirrored  # a mirrored face's order
YUNET = ("right_eye", "left_eye", "nose_tip", "right_mouth_corner", "left_mouth_corner")
YUNET_AS_LANDMARKS = tuple(  # the landmarks that YuNet's five stand for
    LANDMARKS.index(name)
    for name in (
        "right_eye_center",
        "left_eye_center",
        "nose_tip",
        "mouth_right_corner",
        "mouth_left_corner",
    )
)

CROP = 256  # side of a stored crop in pixels
FACE = 128  # side of its middle part that the network sees
SIDE = DEFAULT.side  # of the network's input
SCALE = SIDE / FACE


@dataclass
class FaceDataset:
    """N faces; points are pixels of the 256x256 crop, NaN where unlabelled.

    The centre of the top-left pixel is (0, 0): on the London set the darkest point of
    the pupils lies 0.0 +- 0.1 pixels from the labelled eye centres in x under that.
    """

    pictures: Bytes  # [N, 256, 256, 3], RGB
    points: Floats  # [N, 15, 2]
    yunet: Floats  # [N, 5, 2]
    sets: NDArray[np.str_]  # [N]
    parts: NDArray[np.str_]  # [N]
    paths: NDArray[np.str_]  # [N]

    def __len__(self) -> int:
        return len(self.pictures)

    def select(self, mask: NDArray) -> "FaceDataset":
        """Keep the faces that a boolean mask `[N]` or indices `[M]` name."""
        return replace(self, **{k: v[mask] for k, v in vars(self).items()})


def read_faces(data: Folders, wanted: Iterable[tuple[str, str]]) -> FaceDataset:
    """Read the faces of the `wanted` (set, part) pairs from one data folder or several."""
    wanted = set(wanted)
    rows = [(f, r) for f, r in read_rows(data) if (r["set"], r["part"]) in wanted]
    if missing := wanted - {(r["set"], r["part"]) for _, r in rows}:
        raise ValueError(f"No index.csv of {data} has rows of {sorted(missing)}.")
    return FaceDataset(
        np.stack([read_crop(folder / r["path"]) for folder, r in rows]),
        np.array([take_points(r, LANDMARKS) for _, r in rows], np.float32),
        np.array([take_points(r, [f"yunet_{n}" for n in YUNET]) for _, r in rows], np.float32),
        *(np.array([r[name] for _, r in rows]) for name in ("set", "part", "path")),
    )


def find_sets(data: Folders, parts: Iterable[str]) -> list[tuple[str, str]]:
    """Find the (set, part) pairs of data folders whose part is one of `parts`."""
    parts = set(parts)
    return sorted({(r["set"], r["part"]) for _, r in read_rows(data) if r["part"] in parts})


def read_rows(data: Folders) -> list[tuple[Path, dict[str, str]]]:
    """Read the rows of the folders' index.csv, each with the folder that its path is in."""
    rows: list[tuple[Path, dict[str, str]]] = []
    for folder in [data] if isinstance(data, str | Path) else data:
        with open(Path(folder) / "index.csv", newline="") as file:
            rows += [(Path(folder), row) for row in csv.DictReader(file)]
    return rows


def read_crop(path: Path) -> Bytes:
    """Read a loose crop as RGB `[256,256,3]`."""
    if (picture := read_picture(path)).shape != (CROP, CROP, 3):
        raise ValueError(f"{path} is no crop of {CROP}x{CROP} pixels.")
    return picture


def read_picture(path: Path) -> Bytes:
    """Read one picture file as RGB `[H,W,3]`."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path} is no picture.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def take_points(row: dict[str, str], names: Iterable[str]) -> list[tuple[float, ...]]:
    """Take the (x, y) of the named points from a row, NaN where it has none."""
    try:
        return [tuple(float(row[f"{n}_{axis}"] or "nan") for axis in "xy") for n in names]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"The row of {row.get('path')} has no number for {error}.") from None


def cut_inputs(faces: FaceDataset) -> Bytes:
    """Cut the network's inputs out of the crops: ITU-R 601 grey `[N,1,96,96]`."""
    low, high = (CROP - FACE) // 2, (CROP + FACE) // 2
    return np.stack(
        [
            cv2.resize(
                cv2.cvtColor(p[low:high, low:high], cv2.COLOR_RGB2GRAY),
                (SIDE, SIDE),
                interpolation=cv2.INTER_AREA,
            )[None]
            for p in faces.pictures
        ]
    )


def to_input(points: Floats) -> Floats:
    """Move points `[...,2]` from pixels of the 256 crop to pixels of the 96 input."""
    return (points + 0.5 - (CROP - FACE) / 2) * SCALE - 0.5


def to_crop(points: Floats) -> Floats:
    """Move points `[...,2]` from pixels of the 96 input to pixels of the 256 crop."""
    return (points + 0.5) / SCALE + (CROP - FACE) / 2 - 0.5
