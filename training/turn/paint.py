"""Move a picture by triangles: from where the vertices were to where they went."""

import cv2
import numpy as np

from training.index import Bytes, Floats

EDGE = -0.02  # barycentric slack, so that neighbours leave no seam


class Painter:
    """Where each pixel of a new picture `[S,S]` comes from in the old one.

    Triangles are painted far to near; what none covers comes from where it is.
    """

    def __init__(self, side: int):
        at = np.arange(side, dtype=np.float32)
        self.x, self.y = np.meshgrid(at, at)  # [S, S], [S, S]

    def paint(self, old: Floats, new: Floats, triangles: np.ndarray, cull: bool = False) -> None:
        """Paint triangles `[T,3]` of vertices `[V,3]` that moved from `old` to `new`.

        `cull` leaves out those that show their back now and did not before.
        """
        side = len(self.x)
        to, source = new[triangles], old[triangles]  # [T, 3, 3], [T, 3, 3]
        seen = np.abs(measure_area(to)) > 1e-3
        if cull:
            seen &= np.sign(measure_area(to)) == np.sign(measure_area(source))
        for i in np.argsort(-to[:, :, 2].mean(1)):
            corners = to[i, :, :2]
            low = np.floor(np.maximum(corners.min(0) - 1, 0)).astype(int)
            high = np.ceil(np.minimum(corners.max(0) + 2, side)).astype(int)
            if not seen[i] or (high <= low).any():
                continue
            place = (slice(low[1], high[1]), slice(low[0], high[0]))
            share = find_shares(corners, low, high)  # [3, h, w]
            inside = (share > EDGE).all(0)
            for plane, axis in ((self.x, 0), (self.y, 1)):
                moved = np.tensordot(source[i, :, axis], share, 1)
                plane[place][inside] = moved[inside]

    def draw(self, picture: Bytes) -> Bytes:
        """Draw the new picture of the old one `[S,S,3]`."""
        how = cv2.INTER_LINEAR
        return cv2.remap(picture, self.x, self.y, how, borderMode=cv2.BORDER_REPLICATE)


def measure_area(corners: Floats) -> Floats:
    """Measure twice the signed area of triangles `[T,3,2+]`: `[T]`."""
    (a, b), (c, d) = ((corners[:, k, :2] - corners[:, 0, :2]).T for k in (1, 2))
    return a * d - b * c


def find_shares(corners: Floats, low: np.ndarray, high: np.ndarray) -> Floats:
    """Find each pixel's barycentric shares `[3,h,w]` in a triangle `[3,2]`, low <= pixel < high."""
    x, y = np.arange(low[0], high[0]), np.arange(low[1], high[1])
    m = np.linalg.inv(np.vstack([corners.T, np.ones(3)]))  # [3, 3]: (x, y, 1) -> shares
    return m[:, 0, None, None] * x + m[:, 1, None, None] * y[:, None] + m[:, 2, None, None]
