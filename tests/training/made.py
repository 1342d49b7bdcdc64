"""Made-up faces of a set of points of their own: a spot at each point, pictures of any size."""

from pathlib import Path

import cv2
import numpy as np

from serving.landmarks import LandmarkSet, read_landmarks
from training.index import Row, write_points, write_rows

NAMES = ("left_ear", "right_ear", "chin", "forehead")
SHAPE = np.array([[0.42, 0.0], [-0.42, 0.0], [0.0, 0.48], [0.0, -0.45]])  # over the face's size


def make_set(side: int = 32) -> LandmarkSet:
    content = {"points": NAMES, "mirror": [NAMES[:2]], "unit": NAMES[:2]}
    return read_landmarks(content | {"side": side, "crop_scale": 1.13}, "made")


def make_folder(folder: Path, count: int = 12, box: bool = True, **columns: str) -> Path:
    """Write a data folder of photographs with one face each; `columns` are of every row."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, rows = np.random.default_rng(0), list[Row]()
    for i in range(count):
        size, width, height = rng.uniform(60, 110), *rng.integers(200, 330, 2)
        centre = np.array([width, height]) / 2 + rng.uniform(-20, 20, 2)
        points = centre + size * SHAPE
        picture = rng.integers(0, 60, (height, width, 3)).astype(np.uint8)
        for x, y in points.round().astype(int).tolist():
            cv2.circle(picture, (x, y), 4, (255, 255, 255), -1)
        cv2.imwrite(str(folder / f"{i}.png"), picture)
        row = {"path": f"{i}.png", **columns, **write_points(NAMES, points)}
        if box:
            corners = np.concatenate([centre - size / 2, centre + size / 2])
            names = ("box_x0", "box_y0", "box_x1", "box_y1")
            row |= dict(zip(names, (f"{v:.1f}" for v in corners), strict=True))
        rows.append(row)
    write_rows(folder, rows)
    return folder
