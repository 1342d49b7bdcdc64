"""Faces to check, calibrate and measure with: variants of the stored one, or a folder's.

A folder with an index.csv (columns path and part, and each landmark as NAME_x and NAME_y) holds
256x256 loose crops, about whose middle the network's face is cut. In any other folder each
picture is taken to be one face.
"""

import csv
from pathlib import Path

import numpy as np

from predictor.declaration import DeclarationError
from predictor.decode import Floats
from predictor.engines.golden import load_face
from predictor.resize import resize_faces
from serving.landmarks import LandmarkSet

Size = tuple[int, int]
LEAST = 30  # faces to calibrate on
MOST = 300
LOOSE = 256  # pixels of a loose crop's side
LOOSE_SCALE = 2.26  # what a LandmarkSet's crop_scale is for a loose crop
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
    """Load faces to calibrate on, `[N,C,H,W]` FP32 0..1, evenly spread over the folder.

    Raises DeclarationError where there are fewer than LEAST.
    """
    if (folder / "index.csv").is_file():
        paths = [folder / row["path"] for row in read_index(folder) if row.get("part") in SEEN]
        loose = True
    else:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        loose = False
    if len(paths) < LEAST:
        raise DeclarationError(
            f"{folder} has {len(paths)} faces to calibrate on; int8 needs {LEAST}, cropped as the "
            "network takes them: on one face alone the error doubled."
        )
    step = max(1, len(paths) // MOST)
    return np.stack([read_face(path, loose, landmarks, size) for path in paths[::step][:MOST]])


def load_labelled(folder: Path, landmarks: LandmarkSet, size: Size) -> tuple[Floats, Floats]:
    """Load a folder's labelled held-out faces `[N,C,H,W]` and landmarks `[N,K,2]` in their pixels.

    Both are empty where the folder has none with these points.
    """
    rows = read_index(folder) if (folder / "index.csv").is_file() else []
    columns = [f"{point}_{axis}" for point in landmarks.points for axis in "xy"]
    mine = [row for row in rows if row.get("part") not in SEEN and all(row.get(c) for c in columns)]
    faces = [read_face(folder / row["path"], True, landmarks, size) for row in mine]
    points = [[float(row[column]) for column in columns] for row in mine]
    middle = find_middle(landmarks)
    crop = np.array(points, np.float32).reshape(-1, len(landmarks), 2)
    scale = np.array([size[1] / middle, size[0] / middle], np.float32)
    return (
        np.array(faces, np.float32).reshape(-1, landmarks.channels, *size),
        # The first pixel's centre is (0, 0) in both.
        (crop - (LOOSE - middle) // 2 + 0.5) * scale - 0.5,
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


def read_face(path: Path, loose: bool, landmarks: LandmarkSet, size: Size) -> Floats:
    """Read one picture as a face, `[C,H,W]` FP32 0..1."""
    pixels = read_pixels(path, landmarks.channels)  # [H, W, C]
    if loose:
        middle = find_middle(landmarks)
        margin = (LOOSE - middle) // 2
        pixels = pixels[margin : margin + middle, margin : margin + middle]
    return resize_faces(pixels[None], size, landmarks.channels)[0] / np.float32(255)


def read_pixels(path: Path, channels: int) -> np.ndarray:
    """Read a picture as UINT8 `[H,W,C]`, grey or RGB."""
    import cv2

    how = cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR_RGB
    pixels = cv2.imread(str(path), how)
    if pixels is None:
        raise DeclarationError(f"{path} is not a picture that can be read.")
    return pixels.reshape(*pixels.shape[:2], channels)
