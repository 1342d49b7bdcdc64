"""The triangles and the outline of the face mesh, made of MediaPipe's list of edges."""

from pathlib import Path

import numpy as np

from training.index import read_table

VERTICES = 468  # of the mesh's skin; ten more mark the irises

ROWS = read_table(Path(__file__).with_name("triangles.csv"))
SHAPE = [row for row in ROWS if row["part"] != "oval"]
TRIANGLES = np.array([[int(row[corner]) for corner in "abc"] for row in SHAPE])  # [T, 3]
MOUTH = np.array([row["part"] == "mouth" for row in SHAPE])  # [T], of those that close the mouth
OVAL = np.array([int(row["a"]) for row in ROWS if row["part"] == "oval"])  # [36]

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
