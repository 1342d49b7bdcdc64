"""YuNet, the detector of OpenCV's model zoo (Wu et al. 2023, Apache-2.0)."""

from pathlib import Path

import cv2
import numpy as np

from pictures.read import Pixels
from transformer.detectors.base import Detector, Floats


class YuNet(Detector):
    """YuNet through cv2.FaceDetectorYN."""

    name = "yunet"

    def __init__(self, path: Path, side: int, min_score: float):
        super().__init__(side, min_score)
        self.model = cv2.FaceDetectorYN.create(str(path), "", (side, side), min_score, 0.3, 5000)

    def search(self, bgr: Pixels) -> tuple[Floats, Floats]:
        self.model.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, found = self.model.detect(bgr)  # [F, 15]: box (x, y, w, h), five points, score
        rows = np.asarray(found, np.float32).reshape(-1, 15) if found is not None else EMPTY
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return boxes, rows[:, 14].copy()


EMPTY = np.empty((0, 15), np.float32)
