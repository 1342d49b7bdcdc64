"""Faces to check, calibrate and measure with: variants of the stored one, or a folder's.

A folder with an index.csv is one of `make label`, or of the same columns: `path`, `part`, each
landmark as NAME_x and NAME_y, and the detector's box as box_x0 to box_y1; without a box a picture
is a loose crop, whose middle half is the face. In any other folder each picture is one face.
"""

import csv
from pathlib import Path

import numpy as np

from predictor.declaration import DeclarationError
from predictor.decode import Floats
from predictor.engines.golden import load_face
from predictor.resize import resize_faces
from serving.faces import place_square
from serving.landmarks import LandmarkSet

Size = tuple[int, int]
LEAST = 30  # faces to calibrate on
MOST = 300
LOOSE_SCALE = 2.26  # what a LandmarkSet's crop_scale is for a loose crop
BOX = ("box_x0", "box_y0", "box_x1", "box_y1")
SEEN = ("train", "unlabelled")  # parts that may be calibrated on; the rest is for measuring
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def vary_face(size: Size, channels: int, number: int = 32) -> Floats:
    """Make variants of the stored face `[N,C,H,W]` 0..1: shifted, zoomed, lit and tinted."""
    rng = np.random.default_rng(0)
    face = load_face((192, 192)).transpose(0, 2, 3, 1)  # [1, 192, 192, 1] UINT8
    found = np.empty((number, channels, *size), np.float32)
    found[0] = resize_faces(face, size, channels)[0] / np.float32(255)
    for i in range(1, number):
        length = int(rng.integers(165, 193))
        top, left = rng.integers(0, 193 - length, 2)
        part = resize_faces(face[:, top : top + length, left : left + length], size, channels)[0]
        light = rng.uniform(0.7, 1.1, (channels, 1, 1)).astype(np.float32)
        found[i] = (part / np.float32(255) * light).clip(0, 1)
    return found


def load_faces(folder: Path, landmarks: LandmarkSet, size: Size) -> Floats:
    """Load LEAST to MOST faces to calibrate on, `[N,C,H,W]` FP32 0..1; raises DeclarationError."""
    rows = [row for row in read_index(folder) if row.get("part") in SEEN]
    if not rows:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        rows = [{"path": str(path.relative_to(folder)), "whole": "yes"} for path in paths]
    if len(rows) < LEAST:
        raise DeclarationError(
            f"{folder} has {len(rows)} faces to calibrate on; int8 needs {LEAST}, cropped as the "
            "network takes them: calibrated on one face, a network's error doubled."
        )
    step = max(1, len(rows) // MOST)
    return np.stack([cut_face(folder, row, landmarks, size)[0] for row in rows[::step][:MOST]])


def load_labelled(folder: Path, landmarks: LandmarkSet, size: Size) -> tuple[Floats, Floats]:
    """Load a folder's labelled held-out faces `[N,C,H,W]` and landmarks `[N,K,2]` in their pixels.

    Both are empty where the folder has none with these points.
    """
    columns = [f"{point}_{axis}" for point in landmarks.points for axis in "xy"]
    rows = [row for row in read_index(folder) if row.get("part") not in SEEN]
    rows = [row for row in rows if all(row.get(column) for column in columns)]
    cut = [cut_face(folder, row, landmarks, size) for row in rows]
    points = np.array([[float(row[c]) for c in columns] for row in rows], np.float32)
    points = points.reshape(-1, len(landmarks), 2)
    squares = np.array([square for _, square in cut], np.float32).reshape(-1, 1, 3)
    scale = np.array(size[::-1], np.float32) / squares[..., 2:]
    # The first pixel's centre is (0, 0) in both.
    moved = (points - squares[..., :2] + np.float32(0.5)) * scale - np.float32(0.5)
    faces = np.array([face for face, _ in cut], np.float32)
    return faces.reshape(-1, landmarks.channels, *size), moved


def cut_face(
    folder: Path, row: dict[str, str], landmarks: LandmarkSet, size: Size
) -> tuple[Floats, tuple[int, int, int]]:
    """Cut a row's face `[C,H,W]` FP32 0..1, and the square of its picture: left, top, side."""
    pixels = read_pixels(folder / row["path"], landmarks.channels)  # [H, W, C]
    height, width = pixels.shape[:2]
    if row.get("whole"):
        return resize_faces(pixels[None], size, landmarks.channels)[0] / np.float32(255), (0, 0, 0)
    if all(row.get(column) for column in BOX):
        box = [float(row[column]) for column in BOX]
    else:
        half = width / LOOSE_SCALE / 2
        box = [width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half]
    square = place_square(box, landmarks)
    face = resize_faces(square.cut(pixels)[None], size, landmarks.channels)[0]
    return face / np.float32(255), (square.left, square.top, square.side)


def measure_errors(found: Floats, wanted: Floats, unit: tuple[int, int]) -> Floats:
    """Measure how far landmarks `[N,K,2]` lie off: `[N,K]` shares of the unit points' distance.

    Faces without both of these get the mean distance of the others'.
    """
    apart = np.linalg.norm(wanted[:, unit[0]] - wanted[:, unit[1]], axis=-1)  # [N]
    apart = np.where(np.isnan(apart), np.nanmean(apart), apart)
    return np.asarray(np.linalg.norm(found - wanted, axis=-1) / apart[:, None])


def read_index(folder: Path) -> list[dict[str, str]]:
    """Read the rows of a folder's index.csv; none where it has none."""
    if not (folder / "index.csv").is_file():
        return []
    with (folder / "index.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def read_pixels(path: Path, channels: int) -> np.ndarray:
    """Read a picture as UINT8 `[H,W,C]`, grey or RGB."""
    import cv2

    how = cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR_RGB
    pixels = cv2.imread(str(path), how)
    if pixels is None:
        raise DeclarationError(f"{path} is not a picture that can be read.")
    return pixels.reshape(*pixels.shape[:2], channels)
