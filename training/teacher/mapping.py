"""Labels of the mesh's vertices, by a table landmark,vertex,weight, and of a network beside it.

mapping.csv is fitted to hand-labelled faces (the program is in the tag v0.2-wide). Another table
makes other points: a row `chin,152,1` is enough for one that a vertex marks. shares.csv, how much
of each label is the mesh's where a network's are mixed in, is told in models/MODEL_CARD.md.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predictor.engines import load_engine
from serving.faces import place_square
from training import Bytes, DataError, Floats
from training.index import read_table
from transformer.crops.crop import crop_face, to_picture

MAPPING = Path(__file__).with_name("mapping.csv")
SHARES = Path(__file__).with_name("shares.csv")
COUNT = 478  # vertices
APART = 0.06, 0.14  # of the unit points' distance: most that frontal and turned faces may differ


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
        places = {name: i for i, name in enumerate(self.names)}
        return tuple(places.get(name, i) for i, name in enumerate(other))


def read_mapping(path: Path = MAPPING) -> Mapping:
    """Read a table; raises DataError that names its row."""
    found: dict[str, Floats] = {}
    for number, row in enumerate(read_table(path), 2):
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


class Mixer:
    """A network that is asked for each face's points, plain and mirrored."""

    def __init__(self, network: Path, table: Path, names: tuple[str, ...]):
        self.engine = load_engine("auto", network)
        if self.engine.landmarks.points != names:
            raise DataError(f"{network} finds other points than the mapping, or in another order.")
        rows = {row.get("landmark"): row for row in read_table(table)}
        try:
            self.shares = [[float(rows[n][kind]) for n in names] for kind in ("frontal", "turned")]
        except (KeyError, TypeError, ValueError) as error:
            says = f"{table} is not a table of each landmark's two shares: {error}."
            raise DataError(says) from None

    def mix(self, picture: Bytes, box: Floats, points: Floats, turned: bool) -> tuple[Floats, str]:
        """Mix the mesh's points `[K,2]` of a face: points, and why they may be wrong."""
        own = self.find(picture, box)
        first, second = points[list(self.engine.landmarks.unit_points)]
        apart = np.linalg.norm(own - points, axis=1).mean() / np.linalg.norm(first - second)
        share = np.array(self.shares[turned])[:, None]
        why = "the network has other points" if apart > APART[turned] else ""
        return share * points + (1 - share) * own, why

    def find(self, picture: Bytes, box: Floats) -> Floats:
        """Find the network's own points `[K,2]` of a face, the mean of its two views."""
        known = self.engine.landmarks
        square = place_square(box, known)
        crop = crop_face(picture, square, known)  # [C, S, S]
        plain, mirrored = self.engine.predict(np.stack([crop, crop[..., ::-1]]))[0]  # [K, 2] each
        mirrored = mirrored[list(known.mirrored)] * [-1, 1] + [known.side - 1, 0]
        return to_picture((plain + mirrored)[None] / 2, [square], known.side)[0]
