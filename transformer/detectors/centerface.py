"""CenterFace, the fallback detector (Xu et al. 2019, arXiv:1911.03599, MIT)."""

from pathlib import Path

import cv2
import numpy as np

from pictures.read import Pixels
from transformer.detectors.base import Detector, Floats

STRIDE = 4  # pixels of the input to one of the heatmap
OVERLAP = 0.3  # intersection over union above which the weaker of two boxes goes


class CenterFace(Detector):
    """CenterFace through cv2.dnn: the centre, size and offset of each face."""

    name = "centerface"

    def __init__(self, path: Path, side: int, min_score: float):
        super().__init__(side, min_score)
        self.net = cv2.dnn.readNetFromONNX(str(path))

    def search(self, bgr: Pixels) -> tuple[Floats, Floats]:
        height, width = bgr.shape[:2]
        # The network halves five times: pad at the right and below to multiples of 32.
        padded = cv2.copyMakeBorder(bgr, 0, -height % 32, 0, -width % 32, cv2.BORDER_CONSTANT)
        self.net.setInput(cv2.dnn.blobFromImage(padded, 1.0, swapRB=True))
        heat, size, offset, _ = self.net.forward(["537", "538", "539", "540"])
        y, x = np.nonzero(heat[0, 0] > self.min_score)  # [F], [F]
        scores = heat[0, 0, y, x].astype(np.float32)
        h, w = np.exp(size[0, :, y, x].T) * STRIDE
        cy, cx = (offset[0, :, y, x].T + np.stack([y, x]) + 0.5) * STRIDE
        boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=1)
        rects = np.stack([cx - w / 2, cy - h / 2, w, h], axis=1)
        if not len(scores):
            return boxes.astype(np.float32).reshape(0, 4), scores
        kept = np.array(
            cv2.dnn.NMSBoxes(rects.tolist(), scores.tolist(), self.min_score, OVERLAP), np.intp
        )
        return boxes[kept].astype(np.float32), scores[kept]
