"""Cut a set of faces by what makes them hard: yaw, roll, open mouths."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from training.evaluate import LEFT_OUTER, RIGHT_OUTER, Errors
from training.faces import Floats
from training.teacher.agree import measure_turn

MOUTH_LEFT, MOUTH_RIGHT, UPPER_LIP, LOWER_LIP = 11, 12, 13, 14
OFF = 0.10  # of the distance of the outer eye corners: a point, or a face's mean, that is wrong


@dataclass(frozen=True)
class Cut:
    """A name, and the edges of its classes; a face belongs to the class it is below."""

    name: str
    edges: tuple[float, ...]

    def split(self, values: Floats) -> Iterator[tuple[str, Floats]]:
        """Split faces by their values `[N]`: each class's name and its mask `[N]`."""
        edges = (-np.inf, *self.edges, np.inf)
        for low, high in pairwise(edges):
            label = f"< {high:g}" if low == -np.inf else f"{low:g}-{high:g}"
            yield label if high < np.inf else f"> {low:g}", (values >= low) & (values < high)


YAW = Cut("yaw: nose from the middle of the outer eye corners", (0.06, 0.12, 0.20, 0.30))
ROLL = Cut("roll in degrees", (10.0, 20.0))
MOUTH = Cut("mouth: lips apart over its width", (0.35, 0.5, 0.7))


def measure_cuts(points: Floats) -> list[tuple[Cut, Floats]]:
    """Measure yaw, roll and mouth of labelled faces `[N,15,2]`: each cut and its values `[N]`."""
    across = points[:, LEFT_OUTER] - points[:, RIGHT_OUTER]
    roll = np.degrees(np.abs(np.arctan2(across[:, 1], across[:, 0])))
    lips = np.linalg.norm(points[:, UPPER_LIP] - points[:, LOWER_LIP], axis=1)
    width = np.linalg.norm(points[:, MOUTH_LEFT] - points[:, MOUTH_RIGHT], axis=1)
    return [(YAW, np.abs(measure_turn(points))), (ROLL, roll), (MOUTH, lips / width)]


def summarise(errors: Errors) -> str:
    """Say n, mean, median, 95th percentile and the share of faces off, as cells of a table."""
    faces = 100 * errors.faces
    if not len(faces):
        return "0 | | | |"
    middle, high = np.percentile(faces, [50, 95])
    off = 100 * (errors.faces > OFF).mean()
    return f"{len(faces)} | {faces.mean():.2f} | {middle:.2f} | {high:.2f} | {off:.1f}"
