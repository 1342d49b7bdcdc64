"""One picture to the crops of its faces: decode, detect, crop, in a worker's thread."""

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.contract import FACE_SIDE
from serving.errors import TooLarge
from serving.stages import measure_stage
from transformer.crop import Floats, Square, crop_face, place_square
from transformer.detectors import find_detector, load_detector
from transformer.detectors.base import Detector
from transformer.picture import Picture, Pixels, open_picture
from transformer.settings import TransformerSettings
from transformer.way_up import find_way_up


@dataclass(slots=True)
class Faces:
    """The faces of one picture, the best-scored first."""

    boxes: Floats  # [F, 4], x0 y0 x1 y1 in pixels of the picture
    scores: Floats  # [F]
    squares: list[Square]  # what was cropped, [F]
    crops: NDArray[np.uint8]  # [F, 1, 96, 96]
    timings: dict[str, float] = field(default_factory=dict)
    turn: int = 0  # quarters by which the crops were turned to show the faces upright


class FaceFinder:
    """Finds and crops the faces of pictures; each thread has a detector of its own."""

    def __init__(self, settings: TransformerSettings):
        self.settings = settings
        self.path = find_detector(settings.detector)
        self.local = threading.local()
        self.name = self.detector.name  # loads one now: a broken file shall fail at start

    @property
    def detector(self) -> Detector:
        if not hasattr(self.local, "detector"):
            settings = self.settings
            self.local.detector = load_detector(self.path, settings.detect_side, settings.min_score)
        return self.local.detector

    def find_faces(self, content: bytes | Pixels) -> Faces:
        """Find the faces of one picture, given as a file's bytes or as pixels `[H,W,3]`.

        Raises InvalidImage or TooLarge.
        """
        timings: dict[str, float] = {}
        with measure_stage(timings, "decode"):
            picture = self.open(content)
        with measure_stage(timings, "detect"):
            if self.settings.any_way_up:
                boxes, scores, turn = find_way_up(self.detector, picture.small)
            else:
                (boxes, scores), turn = self.detector.detect(picture.small), 0
            boxes = np.minimum(boxes * picture.scale, [picture.width, picture.height] * 2)
            boxes = boxes.astype(np.float32)
        full = picture.small
        if len(boxes) and picture.scale > 1:
            with measure_stage(timings, "decode"):
                full = picture.decode_full()
        with measure_stage(timings, "crop"):
            squares = [place_square(box) for box in boxes]
            crops = np.empty((len(boxes), 1, FACE_SIDE, FACE_SIDE), np.uint8)
            for i, square in enumerate(squares):
                crops[i, 0] = np.rot90(crop_face(full, square), turn)
        return Faces(boxes, scores, squares, crops, timings, turn)

    def open(self, content: bytes | Pixels) -> Picture:
        if isinstance(content, bytes):
            return open_picture(content, self.settings.max_pixels, self.settings.detect_side)
        if content.shape[0] * content.shape[1] > self.settings.max_pixels:
            raise TooLarge(f"The picture has more than {self.settings.max_pixels} pixels.")
        return Picture.of_pixels(content)
