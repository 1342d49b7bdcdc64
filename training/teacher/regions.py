"""Where the mesh's network looks, a square turned with the face, and how far that is turned."""

from dataclasses import dataclass

import numpy as np

from training.index import Floats

LOOSE = 1.5  # side over the longer side of the face's box, as the network was trained
RIGHT_OUTER, LEFT_OUTER = 33, 263  # the vertices whose line is the face's own horizontal
NOSE = 4
SKIN = 468  # vertices; the irises' ten follow


@dataclass(frozen=True)
class Region:
    """A square in pixels of the picture; `angle` in radians, clockwise as seen."""

    x: float
    y: float
    side: float
    angle: float

    def scale(self, by: float) -> "Region":
        """Make the square larger or smaller about its middle."""
        return Region(self.x, self.y, by * self.side, self.angle)


def surround_mesh(mesh: Floats) -> Region:
    """Surround a mesh `[478,3]` of the last look, for the next one."""
    across = mesh[LEFT_OUTER, :2] - mesh[RIGHT_OUTER, :2]
    angle = float(np.arctan2(across[1], across[0]))
    cos, sin = np.cos(angle), np.sin(angle)
    upright = np.array([[cos, sin], [-sin, cos]])  # picture -> the face's own frame
    at = mesh[:SKIN, :2] @ upright.T
    low, high = at.min(0), at.max(0)
    x, y = (low + high) / 2 @ upright
    return Region(float(x), float(y), LOOSE * float((high - low).max()), angle)


def measure_turn(mesh: Floats) -> float:
    """Measure how far a mesh is turned: the nose's place between the outer eye corners."""
    left, right, nose = mesh[[LEFT_OUTER, RIGHT_OUTER, NOSE], :2]
    across = left - right
    return float((nose - (left + right) / 2) @ across / (across @ across))
