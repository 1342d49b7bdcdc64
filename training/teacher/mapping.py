"""Map the mesh's vertices to the 15 landmarks by a fitted table, mapping.csv."""

import csv
from pathlib import Path

import numpy as np

from training.faces import LANDMARKS, Floats

MAPPING = Path(__file__).with_name("mapping.csv")
COUNT = 478  # vertices


def read_mapping(path: Path = MAPPING) -> Floats:
    """Read the weights `[15,478]`: each landmark is a weighted mean of a few vertices."""
    weights = np.zeros((len(LANDMARKS), COUNT))
    with open(path, newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                at = LANDMARKS.index(row["landmark"]), int(row["vertex"])
                weights[at] = float(row["weight"])
            except (KeyError, ValueError, IndexError) as error:
                raise ValueError(f"{path}, row {number}: {error}.") from None
    if not np.allclose(weights.sum(1), 1, atol=2e-3):
        wrong = LANDMARKS[int(np.abs(weights.sum(1) - 1).argmax())]
        raise ValueError(f"{path}: the weights of {wrong} do not add up to 1.")
    return weights / weights.sum(1, keepdims=True)


def write_mapping(weights: Floats, path: Path = MAPPING) -> None:
    """Write the weights `[15,478]` that are not 0, a row each."""
    with open(path, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["landmark", "vertex", "weight"])
        for k, vertex in zip(*np.nonzero(weights), strict=True):
            table.writerow([LANDMARKS[k], vertex, f"{weights[k, vertex]:.4f}"])
