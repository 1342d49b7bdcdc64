"""Faces to calibrate on and to measure with, from a folder of pictures.

A folder with an index.csv (columns set, part, path, and each landmark as NAME_x and
NAME_y) holds 256x256 loose crops, about whose middle the network's face is cut. In any
other folder each picture is taken to be one face.
"""

import csv
from pathlib import Path

import cv2
import numpy as np

from predictor.decode import Floats
from serving.landmarks import LandmarkSet

LOOSE = 256  # pixels of a loose crop's side
LOOSE_SCALE = 2.26  # what a LandmarkSet's crop_scale is for a loose crop
SEEN = ("train", "unlabelled")  # parts that may be calibrated on; the rest is for measuring
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def load_faces(folder: Path, landmarks: LandmarkSet, most: int = 300) -> Floats:
    """Load faces to calibrate on, `[N,1,S,S]` FP32 0..1, evenly spread over the folder.

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
    return np.stack([load_face(path, loose, landmarks) for path in paths[::step][:most]])


def load_labelled(folder: Path, name: str, landmarks: LandmarkSet) -> tuple[Floats, Floats]:
    """Load a set's labelled held-out faces `[N,1,S,S]` and landmarks `[N,K,2]` in their pixels.

    Both are empty where the folder has no such set, or none with these points.
    """
    rows = read_index(folder) if (folder / "index.csv").is_file() else []
    columns = [f"{point}_{axis}" for point in landmarks.points for axis in "xy"]
    mine = [
        row
        for row in rows
        if row["set"] == name and row["part"] not in SEEN and all(row.get(c) for c in columns)
    ]
    faces = [load_face(folder / row["path"], True, landmarks) for row in mine]
    points = [[float(row[column]) for column in columns] for row in mine]
    side, middle = landmarks.side, find_middle(landmarks)
    crop = np.array(points, np.float32).reshape(-1, len(landmarks), 2)
    return (
        np.array(faces, np.float32).reshape(-1, 1, side, side),
        # The first pixel's centre is (0, 0) in both.
        (crop - (LOOSE - middle) // 2 + 0.5) * (side / middle) - 0.5,
    )


def measure_error(found: Floats, wanted: Floats, landmarks: LandmarkSet) -> float:
    """Return the mean distance of landmarks `[N,K,2]` over that of the set's two unit points."""
    first, second = landmarks.unit_points
    unit = np.linalg.norm(wanted[:, first] - wanted[:, second], axis=1)  # [N]
    return float((np.linalg.norm(found - wanted, axis=2).mean(axis=1) / unit).mean())


def read_index(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def find_middle(landmarks: LandmarkSet) -> int:
    """Return how many pixels of a loose crop's middle the network sees; an even number."""
    return 2 * round(LOOSE * min(1.0, landmarks.crop_scale / LOOSE_SCALE) / 2)


def load_face(path: Path, loose: bool, landmarks: LandmarkSet) -> Floats:
    """Load one picture as a grey face, `[1,S,S]` FP32 0..1."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"{path} is no picture.")
    if loose:
        middle = find_middle(landmarks)
        margin = (LOOSE - middle) // 2
        picture = picture[margin : margin + middle, margin : margin + middle]
    size = (landmarks.side, landmarks.side)
    face = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return (face[None] / np.float32(255)).astype(np.float32)
