"""Mix the teacher's labels with a network's own, by a table: landmark,frontal,turned.

shares.csv, how much of each label is the teacher's, is the shipped student's recipe.
"""

import csv
from pathlib import Path

import numpy as np

from predictor.engines import load_engine
from serving.faces import place_square
from training.index import Bytes, DataError, Floats
from transformer.crops.crop import crop_face, to_picture

SHARES = Path(__file__).with_name("shares.csv")
APART = 0.06, 0.14  # of the unit points' distance: most that frontal and turned faces may differ


class Mixer:
    """A network that is asked for each face's points, plain and mirrored."""

    def __init__(self, network: Path, table: Path, names: tuple[str, ...]):
        self.engine = load_engine("auto", network)
        if self.engine.landmarks.points != names:
            raise DataError(f"{network} finds other points than the mapping, or in another order.")
        with open(table, newline="") as file:
            rows = {row.get("landmark"): row for row in csv.DictReader(file)}
        try:
            self.shares = [[float(rows[n][kind]) for n in names] for kind in ("frontal", "turned")]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{table} is not a table of each landmark's two shares: {error}."
            ) from None

    def mix(self, picture: Bytes, box: Floats, points: Floats, turned: bool) -> tuple[Floats, str]:
        """Mix the teacher's points `[K,2]` of a face: points, and why they may be wrong."""
        known = self.engine.landmarks
        square = place_square(box, known)
        crop = crop_face(picture, square, known)  # [C, S, S]
        plain, mirrored = self.engine.predict(np.stack([crop, crop[..., ::-1]]))[0]  # [K, 2] each
        mirrored = mirrored[list(known.mirrored)] * [-1, 1] + [known.side - 1, 0]
        own = to_picture((plain + mirrored)[None] / 2, [square], known.side)[0]
        first, second = points[list(known.unit_points)]
        apart = np.linalg.norm(own - points, axis=1).mean() / np.linalg.norm(first - second)
        share = np.array(self.shares[turned])[:, None]
        why = "the network has other points" if apart > APART[turned] else ""
        return share * points + (1 - share) * own, why
