"""Faces to calibrate on and to measure with, from a folder of pictures.

A folder with an index.csv (columns set, part, path, and the 15 landmarks as NAME_x and
NAME_y) holds 256x256 loose crops, whose middle 128 pixels are the network's face. In
any other folder each picture is taken to be one face.
"""

import csv
from pathlib import Path

import cv2
import numpy as np

from predictor.decode import Floats

SIDE = 96  # pixels of the network's face
MARGIN, MIDDLE = 64, 128  # pixels of a loose crop
SEEN = ("train", "unlabelled")  # parts that may be calibrated on; the rest is for measuring
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
LANDMARKS = (
    "left_eye_center",
    "right_eye_center",
    "left_eye_inner_corner",
    "left_eye_outer_corner",
    "right_eye_inner_corner",
    "right_eye_outer_corner",
    "left_eyebrow_inner_end",
    "left_eyebrow_outer_end",
    "right_eyebrow_inner_end",
    "right_eyebrow_outer_end",
    "nose_tip",
    "mouth_left_corner",
    "mouth_right_corner",
    "mouth_center_top_lip",
    "mouth_center_bottom_lip",
)
OUTER_EYES = [3, 5]  # their distance is the unit of the error


def load_faces(folder: Path, most: int = 300) -> Floats:
    """Load faces to calibrate on, `[N,1,96,96]` FP32 0..1, evenly spread over the folder.

    Raises ValueError where there are none.
    """
    if (folder / "index.csv").is_file():
        paths = [folder / row["path"] for row in read_index(folder) if row["part"] in SEEN]
        loose = True
    else:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        loose = False
    if not paths:
        raise ValueError(f"{folder} has no pictures of faces to calibrate on.")
    step = max(1, len(paths) // most)
    return np.stack([load_face(path, loose) for path in paths[::step][:most]])


def load_labelled(folder: Path, name: str) -> tuple[Floats, Floats]:
    """Load a set's labelled held-out faces `[N,1,96,96]` and landmarks `[N,15,2]` in their pixels.

    Both are empty where the folder has no such set.
    """
    rows = read_index(folder) if (folder / "index.csv").is_file() else []
    mine = [r for r in rows if r["set"] == name and r["part"] not in SEEN and r["nose_tip_x"]]
    faces = [load_face(folder / row["path"], loose=True) for row in mine]
    points = [[[float(row[f"{p}_{axis}"]) for axis in "xy"] for p in LANDMARKS] for row in mine]
    scale = SIDE / MIDDLE
    crop = np.array(points, np.float32).reshape(-1, 15, 2)
    return (
        np.array(faces, np.float32).reshape(-1, 1, SIDE, SIDE),
        (crop - MARGIN + 0.5) * scale - 0.5,  # the first pixel's centre is (0, 0) in both
    )


def measure_error(found: Floats, wanted: Floats) -> float:
    """Give the mean distance of landmarks `[N,15,2]` over that of the outer eye corners."""
    unit = np.linalg.norm(wanted[:, OUTER_EYES[0]] - wanted[:, OUTER_EYES[1]], axis=1)  # [N]
    return float((np.linalg.norm(found - wanted, axis=2).mean(axis=1) / unit).mean())


def read_index(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def load_face(path: Path, loose: bool) -> Floats:
    """Load one picture as a grey face, `[1,96,96]` FP32 0..1."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"{path} is no picture.")
    if loose:
        picture = picture[MARGIN : MARGIN + MIDDLE, MARGIN : MARGIN + MIDDLE]
    face = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return (face[None] / np.float32(255)).astype(np.float32)
