"""Map the mesh's vertices to landmarks by a table: landmark,vertex,weight.

mapping.csv is fitted to hand-labelled faces (the program is in the tag v0.2-wide). Another table
makes other points: a row `chin,152,1` is enough for one that a vertex marks.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.index import DataError, Floats

MAPPING = Path(__file__).with_name("mapping.csv")
COUNT = 478  # vertices


@dataclass(frozen=True)
class Mapping:
    """K landmarks, each a weighted mean of a few vertices."""

    names: tuple[str, ...]
    weights: Floats  # [K, 478]

    @property
    def mirrored(self) -> tuple[int, ...]:
        """For each landmark of a mirrored face the one whose place it takes, by its name."""
        swap = {"left": "right", "right": "left"}
        other = ("_".join(swap.get(word, word) for word in name.split("_")) for name in self.names)
        return tuple(
            self.names.index(name) if name in self.names else i for i, name in enumerate(other)
        )


def read_mapping(path: Path = MAPPING) -> Mapping:
    """Read a table; raises DataError that names its row."""
    found: dict[str, Floats] = {}
    with open(path, newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                weights = found.setdefault(row["landmark"], np.zeros(COUNT))
                weights[int(row["vertex"])] = float(row["weight"])
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise DataError(f"{path}, row {number}: {error}.") from None
    for name, weights in found.items():
        if not np.isclose(weights.sum(), 1, atol=2e-3):
            raise DataError(f"{path}: the weights of {name} do not add up to 1.")
    if not found:
        raise DataError(f"{path} has no rows.")
    return Mapping(tuple(found), np.stack([w / w.sum() for w in found.values()]))
