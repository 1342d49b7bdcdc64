"""The triangles and the outline of the face mesh, made of MediaPipe's list of edges."""

import csv
from pathlib import Path

import numpy as np

VERTICES = 468  # of the mesh's skin; ten more mark the irises
TABLE = Path(__file__).with_name("triangles.csv")


def read_table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the triangles `[T,3]`, which of them close the mouth `[T]`, and the outline `[36]`."""
    with open(TABLE, newline="") as file:
        rows = list(csv.DictReader(file))
    shape = [r for r in rows if r["part"] != "oval"]
    triangles = np.array([[int(r[v]) for v in "abc"] for r in shape])
    mouth = np.array([r["part"] == "mouth" for r in shape])
    oval = np.array([int(r["a"]) for r in rows if r["part"] == "oval"])
    return triangles, mouth, oval


TRIANGLES, MOUTH, OVAL = read_table()

# The lips' rims from the subject's right corner to the left one, over the face's middle.
UPPER = (
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
)
LOWER = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
)
CORNERS = (61, 291)
CHIN = 152
