"""What a user would write without this project: cv2.FaceDetectorYN and ONNX Runtime, fp32.

The weights and the crop are the same; the point is the highest pixel of each heatmap.
"""

import os
import threading
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats = NDArray[np.float32]
ONNX = "out/peers/unet-onnx/unet.onnx"  # predictor.export writes it: `make peers-setup`
SIDE, SCALE = 96, 1.13  # of a crop: its pixels, and its box's size by this


class UserPipeline:
    """A detector for each thread, as cv2's keeps state, and one session for all."""

    def __init__(self) -> None:
        self.session = onnxruntime.InferenceSession(ONNX, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.local = threading.local()

    def detect(self, picture: NDArray[np.uint8]) -> NDArray:
        if not hasattr(self.local, "detector"):
            path = os.environ["PEERS_DETECTOR"]
            self.local.detector = cv2.FaceDetectorYN.create(path, "", (320, 320), 0.6)
        height, width = picture.shape[:2]
        self.local.detector.setInputSize((width, height))
        _, found = self.local.detector.detect(picture)
        return np.empty((0, 15), np.float32) if found is None else found

    def predict(self, faces: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        maps = self.session.run(None, {self.input: faces.astype(np.float32) / 255})[0]
        flat = maps.reshape(*maps.shape[:2], -1)  # [N, K, S*S]
        y, x = np.divmod(flat.argmax(axis=2), maps.shape[3])
        return np.stack([x, y], axis=2).astype(np.float32), flat.max(axis=2)

    def read(self, pictures: list[bytes]) -> list[Floats]:
        return [self.read_one(content) for content in pictures]

    def read_one(self, content: bytes) -> Floats:
        picture: Any = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        boxes = self.detect(picture)
        if not len(boxes):
            return np.empty((0, 0, 2), np.float32)
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        sides = SCALE * np.sqrt(boxes[:, 2] * boxes[:, 3])  # [F]
        centres = boxes[:, :2] + boxes[:, 2:4] / 2  # [F, 2]
        crops = [
            cv2.resize(
                cv2.getRectSubPix(grey, (round(side), round(side)), tuple(centre)), (SIDE, SIDE)
            )
            for side, centre in zip(sides.tolist(), centres.tolist(), strict=True)
        ]
        points, _ = self.predict(np.stack(crops)[:, None].astype(np.uint8))
        corners = (centres - sides[:, None] / 2)[:, None]  # [F, 1, 2]
        return points * (sides / SIDE)[:, None, None] + corners
