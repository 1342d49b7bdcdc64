"""MediaPipe's Face Landmarker V2 on a region of a picture, without its own detector.

That detector misses small and turned faces; the service's own does not, so its box is
where the mesh starts, and the mesh found is where it looks again.
"""

import cv2
import numpy as np
import openvino

from tools.fetch_models import MESH
from training.index import Bytes, DataError, Floats
from training.teacher.regions import Region, surround_mesh

SIDE = 256  # pixels of the network's input
ROUNDS = 3
TRIES = (1.0, 0.8, 1.25)  # sizes of the first look


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

    def find(self, picture: Bytes, start: Region) -> Floats | None:
        """Find the mesh from a first region on, looking again where it was found."""
        looks = (self.look(picture, start.scale(size)) for size in TRIES)
        mesh = next((seen for seen in looks if seen is not None), None)
        for _ in range(ROUNDS - 1):
            if mesh is None:
                return None
            again = self.look(picture, surround_mesh(mesh))
            if again is None:
                return mesh
            mesh = again
        return mesh
