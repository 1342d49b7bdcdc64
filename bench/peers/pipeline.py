"""What every peer serves: the project's own pipeline, or with PEERS_PIPELINE=user what one writes.

The user's is cv2.FaceDetectorYN and ONNX Runtime in fp32, with the same weights and crop; a point
is the highest pixel of its heatmap.
"""

import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
MODEL = Path("models/simple_unet.pth")
ONNX = "out/peers/unet-onnx/network.onnx"  # `make peers-setup` writes it
SIDE, SCALE = 96, 1.13  # of a crop: its pixels, and its side over the box's
WORKERS = len(os.sched_getaffinity(0))  # pictures at a time, as our transformer has it


class OurPipeline:
    """The decoder, detector, crop and engine that our services run, for several threads."""

    def __init__(self) -> None:
        from predictor.engines import load_engine
        from transformer.crops.crop import to_picture
        from transformer.faces import FaceFinder
        from transformer.settings import TransformerSettings

        self.engine = load_engine("auto", MODEL)
        self.find = partial(
            FaceFinder(TransformerSettings()).detect_faces, landmarks=self.engine.landmarks
        )
        self.to_picture = to_picture
        self.lock = threading.Lock()  # an engine runs for one thread at a time

    def predict(self, faces: NDArray[np.uint8]) -> Floats:
        """Find the landmarks `[N,K,2]` of faces `[N,1,96,96]`."""
        with self.lock:
            return self.engine.predict(faces)[0]

    def read(self, content: bytes) -> Floats:
        """Find the landmarks `[F,K,2]` of a picture's faces, in the picture's pixels."""
        found = self.find(content)
        return self.to_picture(self.predict(found.crops), found.squares, SIDE)


class UserPipeline:
    """A detector for each thread, as cv2's keeps state, and one session for all."""

    def __init__(self) -> None:
        import onnxruntime

        self.session = onnxruntime.InferenceSession(ONNX, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.local = threading.local()

    def detect(self, picture: Any) -> NDArray:
        import cv2

        if not hasattr(self.local, "detector"):
            path = os.environ["LANDMARKS_DETECTOR"]
            self.local.detector = cv2.FaceDetectorYN.create(path, "", (320, 320), 0.6)
        self.local.detector.setInputSize(picture.shape[1::-1])
        _, found = self.local.detector.detect(picture)
        return np.empty((0, 15), np.float32) if found is None else found

    def predict(self, faces: NDArray[np.uint8]) -> Floats:
        maps = self.session.run(None, {self.input: faces.astype(np.float32) / 255})[0]
        y, x = np.divmod(maps.reshape(*maps.shape[:2], -1).argmax(axis=2), maps.shape[3])
        return np.stack([x, y], axis=2).astype(np.float32)

    def read(self, content: bytes) -> Floats:
        import cv2

        picture: Any = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        boxes = self.detect(picture)
        if not len(boxes):
            return np.empty((0, 0, 2), np.float32)
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        sides = SCALE * np.sqrt(boxes[:, 2] * boxes[:, 3])  # [F]
        centres = boxes[:, :2] + boxes[:, 2:4] / 2  # [F, 2]
        crops = []
        for side, centre in zip(sides.tolist(), centres.tolist(), strict=True):
            patch = cv2.getRectSubPix(grey, (round(side), round(side)), tuple(centre))
            crops.append(cv2.resize(patch, (SIDE, SIDE)))
        points = self.predict(np.stack(crops)[:, None].astype(np.uint8))
        corners = (centres - sides[:, None] / 2)[:, None]  # [F, 1, 2]
        return points * (sides / SIDE)[:, None, None] + corners


def load_pipeline() -> OurPipeline | UserPipeline:
    """Load the pipeline that PEERS_PIPELINE names."""
    return UserPipeline() if os.environ.get("PEERS_PIPELINE") == "user" else OurPipeline()
