"""The detectors as KServe's samples would run them: through OpenCV alone."""

from pathlib import Path

import cv2
import numpy as np

from transformer.detectors.base import Detector, Floats
from transformer.detectors.network import MULTIPLE, keep_best
from transformer.pictures.picture import Pixels


class OpenCvYuNet(Detector):
    name = "yunet"
    min_score, doubt, sure = 0.6, 0.2, 0.9
    runtime = f"OpenCV {cv2.__version__}"
    precision = "f32"

    def __init__(self, path: Path, min_score: float | None = None):
        super().__init__(path, min_score)
        self.model = cv2.FaceDetectorYN.create(str(path), "", (640, 640), 0.6, 0.3, 5000)

    def search(self, rgb: Pixels, min_score: float) -> tuple[Floats, Floats]:
        self.model.setScoreThreshold(min_score)
        self.model.setInputSize((rgb.shape[1], rgb.shape[0]))
        _, found = self.model.detect(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        # [F, 15]: box (x, y, w, h), five points, score
        rows = np.asarray([] if found is None else found, np.float32).reshape(-1, 15)
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return boxes, rows[:, 14].copy()


class OpenCvCenterFace(Detector):
    name = "centerface"
    min_score, doubt, sure = 0.5, 0.2, 0.6
    runtime = f"OpenCV {cv2.__version__}"
    precision = "f32"

    def __init__(self, path: Path, min_score: float | None = None):
        super().__init__(path, min_score)
        self.net = cv2.dnn.readNetFromONNX(str(path))

    def search(self, rgb: Pixels, min_score: float) -> tuple[Floats, Floats]:
        down, right = -rgb.shape[0] % MULTIPLE, -rgb.shape[1] % MULTIPLE
        padded = cv2.copyMakeBorder(rgb, 0, down, 0, right, cv2.BORDER_CONSTANT)
        self.net.setInput(cv2.dnn.blobFromImage(padded, 1.0))
        heat, size, offset, _ = self.net.forward(["537", "538", "539", "540"])
        y, x = np.nonzero(heat[0, 0] > min_score)  # [F], [F]
        h, w = np.exp(size[0, :, y, x].T) * 4
        cy, cx = (offset[0, :, y, x].T + np.stack([y, x]) + 0.5) * 4
        boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=1)
        return keep_best(boxes.astype(np.float32), heat[0, 0, y, x].astype(np.float32))


OPENCV: dict[str, type[Detector]] = {kind.name: kind for kind in (OpenCvYuNet, OpenCvCenterFace)}
