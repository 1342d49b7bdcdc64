"""MediaPipe's Face Landmarker V2 on a region of a picture, without its own detector.

That detector misses small and turned faces; the service's own does not, so its box is
where the mesh starts, and the mesh found is where it looks again.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import openvino

from tools.fetch_models import MESH
from training import Bytes, DataError, Floats

SIDE = 256  # pixels of the network's input
ROUNDS = 3
TRIES = (1.0, 0.8, 1.25)  # sizes of the first look
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


class FaceMesh:
    """The mesh's network, read by OpenVINO as it is."""

    def __init__(self) -> None:
        if not MESH.is_file():
            raise DataError(f"{MESH} is missing: `python -m tools.fetch_models mesh` fetches it.")
        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        self.network = openvino.Core().compile_model(str(MESH), "CPU", exact)

    def look(self, picture: Bytes, region: Region) -> Floats | None:
        """Look once: vertices `[478,3]` in pixels of an RGB picture, or None for no face."""
        scale = region.side / SIDE
        cos, sin = scale * np.cos(region.angle), scale * np.sin(region.angle)
        turn = np.array([[cos, -sin], [sin, cos]])  # input pixels -> picture pixels
        shift = np.array([region.x, region.y]) - turn @ np.full(2, (SIDE - 1) / 2)
        affine, how = np.column_stack([turn, shift]), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        crop = cv2.warpAffine(picture, affine, (SIDE, SIDE), flags=how)
        found = self.network(crop[None].astype(np.float32) / 255)
        if float(found["Identity_1"].squeeze()) < 0:  # the logit of a face's presence
            return None
        mesh = found["Identity"].reshape(-1, 3).astype(float)
        return np.column_stack([(mesh[:, :2] - 0.5) @ turn.T + shift, scale * mesh[:, 2]])

    def find(self, picture: Bytes, box: Floats) -> Floats | None:
        """Find the mesh of the face in a box `[4]`, looking again where it was found."""
        (x, y), side = (box[:2] + box[2:]) / 2, LOOSE * float((box[2:] - box[:2]).max())
        tries = (Region(float(x), float(y), size * side, 0.0) for size in TRIES)
        mesh = next((seen for at in tries if (seen := self.look(picture, at)) is not None), None)
        for _ in range(ROUNDS - 1):
            again = None if mesh is None else self.look(picture, surround_mesh(mesh))
            if again is None:
                break
            mesh = again
        return mesh


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
