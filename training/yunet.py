"""YuNet with its five points, which the service does not read: where crops and labels start."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.faces import CROP, FACE, Bytes, Floats

LONGER_SIDE = 640  # pixels of the picture's longer side that YuNet sees, as in the service
LEAST = 0.6  # score, as in the service
TIGHT = 1.13  # side of the network's crop over the mean side of the box


@dataclass(frozen=True)
class Found:
    """One face that YuNet found, in pixels of the picture."""

    box: Floats  # [4]: x0, y0, x1, y1
    five: Floats  # [5, 2]: the subject's right eye, left eye, nose, right and left mouth corner
    score: float

    @property
    def side(self) -> float:
        """The side of the network's crop of this face."""
        width, height = self.box[2:] - self.box[:2]
        return TIGHT * float(np.sqrt(max(width * height, 1.0)))


class YuNet:
    """YuNet through OpenCV, from the file that `make models` fetches."""

    def __init__(self, path: str | Path):
        if "yunet" not in Path(path).name or not Path(path).is_file():
            raise ValueError(f"{path} is no file of YuNet: `make models` fetches it.")
        self.model = cv2.FaceDetectorYN.create(
            str(path), "", (LONGER_SIDE, LONGER_SIDE), LEAST, 0.3, 5000
        )

    def detect(self, picture: Bytes) -> list[Found]:
        """Detect the faces of an RGB picture `[H,W,3]`, surest first."""
        height, width = picture.shape[:2]
        scale = min(1.0, LONGER_SIDE / max(height, width))
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        self.model.setInputSize(size)
        _, rows = self.model.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        zoom = np.array([width / size[0], height / size[1]])
        faces = []
        for row in rows if rows is not None else ():
            corners = np.array([row[:2], row[:2] + row[2:4]]) * zoom
            five = (row[4:14].reshape(5, 2) + 0.5) * zoom - 0.5
            faces.append(Found(corners.reshape(4), five, float(row[14])))
        return sorted(faces, key=lambda face: -face.score)


def crop_loosely(picture: Bytes, face: Found) -> tuple[Bytes, Floats]:
    """Cut the loose crop `[256,256,3]` about a face, and YuNet's points `[5,2]` in its pixels.

    Beyond the picture's border its last pixels repeat.
    """
    side = round(face.side * CROP / FACE)
    left, top = (
        round((low + high - side) / 2) for low, high in zip(face.box[:2], face.box[2:], strict=True)
    )
    height, width = picture.shape[:2]
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    patch = picture[rows[:, None], columns]
    how = cv2.INTER_AREA if side > CROP else cv2.INTER_CUBIC
    crop = cv2.resize(patch, (CROP, CROP), interpolation=how)
    return crop, (face.five - (left, top) + 0.5) * CROP / side - 0.5
