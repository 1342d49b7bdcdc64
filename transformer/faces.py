"""One picture to the crops of its faces: decode, detect, crop, in a worker's thread."""

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.landmarks import LandmarkSet
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.base64_text import Base64Text
from transformer.crop import Floats, Square, choose_scale, crop_faces
from transformer.detectors import find_detector, load_detector
from transformer.detectors.base import Detector
from transformer.picture import Picture, Pixels, check_size, open_picture
from transformer.settings import TransformerSettings
from transformer.way_up import find_way_up


@dataclass(slots=True)
class DetectedFaces:
    """The faces of one picture, the best-scored first."""

    boxes: Floats  # [F, 4], x0 y0 x1 y1 in pixels of the picture
    scores: Floats  # [F]
    squares: list[Square]  # what was cropped, [F]
    crops: NDArray[np.uint8]  # [F, C, S, S]
    timings: Timings = field(default_factory=dict)
    turn: int = 0  # quarters by which the crops were turned to show the faces upright


class FaceFinder:
    """Finds and crops the faces of pictures; each thread has a detector of its own."""

    def __init__(self, settings: TransformerSettings):
        self.settings = settings
        self.path = find_detector(settings.detector)
        self.local = threading.local()
        self.first = self.load()  # now: a broken file shall fail at start
        self.spare = [self.first]  # for the first thread that asks

    @property
    def detector(self) -> Detector:
        if not hasattr(self.local, "detector"):
            try:
                self.local.detector = self.spare.pop()
            except IndexError:
                self.local.detector = self.load()
        return self.local.detector

    def load(self) -> Detector:
        settings = self.settings
        return load_detector(
            self.path, settings.detect_side, settings.min_score, settings.first_look
        )

    def detect_faces(
        self, content: bytes | Base64Text | Pixels, landmarks: LandmarkSet
    ) -> DetectedFaces:
        """Find the faces of one picture, given as a file or as pixels `[H,W,3]`.

        They are cropped as a network of this landmark set takes them. Raises InvalidImage
        or TooLarge.
        """
        timings: Timings = {}
        with measure_stage(timings, Stage.DECODE):
            picture = self.open(content, self.settings.detect_side)
        with measure_stage(timings, Stage.DETECT):
            if self.settings.any_way_up:
                boxes, scores, turn = find_way_up(self.detector, picture.small)
            else:
                (boxes, scores), turn = self.detector.detect(picture.small), 0
            x, y = picture.find_origin(picture.scale)
            boxes = boxes * np.float32(picture.scale) + np.array([x, y, x, y], np.float32)
        with measure_stage(timings, Stage.DECODE):
            colours = "GRAY" if landmarks.color == "grey" else "RGB"
            pixels, scale = picture.read(choose_scale(boxes, landmarks), colours)
        with measure_stage(timings, Stage.CROP):
            squares, crops = crop_faces(picture, pixels, scale, boxes, landmarks)
            crops = np.ascontiguousarray(np.rot90(crops, turn, (2, 3)))
        size = np.array([picture.width, picture.height] * 2, np.float32)
        return DetectedFaces(np.clip(boxes, 0, size), scores, squares, crops, timings, turn)

    def open(self, content: bytes | Base64Text | Pixels, side: int) -> Picture:
        """Decode a picture with at least `side` pixels of its long side, where it has them."""
        if isinstance(content, Base64Text):
            content = content.decode()
        if isinstance(content, bytes):
            return open_picture(content, self.settings.max_pixels, side)
        check_size(content.shape[1], content.shape[0], self.settings.max_pixels)
        return Picture.of_pixels(content)
